import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { DatagramSink } from './datagram-sink.ts';

/** Who hears what arrives; `bytes` are valid during the call only. */
export interface UdpListener {
  rtp(bytes: Uint8Array, address: string, port: number): void;
  rtcp(bytes: Uint8Array, address: string, port: number): void;
  /** A socket has reported an error: nobody listens over there (ICMP), as a rule. */
  socketError(): void;
  /** Both are closed. */
  closed(): void;
}

/**
 * Two sockets on neighbouring ports as the way out of a leg.
 * NOTE: whoever has one must `listen` at once: an ICMP error that nobody hears may end the process.
 */
export interface UdpPair extends DatagramSink {
  listen(listener: UdpListener): void;
}

/** UDP as a media thread uses it. */
export interface UdpIo extends Disposable {
  readonly kind: 'node' | 'native';
  /** Whether something may have come that only `read` brings: then it is wanted every millisecond. */
  readonly isPolled: boolean;
  /** Binds a port and the one above it. Resolves with an error's code, nothing left open, where one is not to be had. */
  bindPair(host: string, port: number): Promise<UdpPair | string>;
  /** Hands out what has come; nothing to do where the event loop does so. */
  read(): void;
}

/** The address itself, or the first one of a name; null where it has none. */
export async function addressOf(host: string): Promise<string | null> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch {
    return null;
  }
}
