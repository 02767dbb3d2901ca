import type { ParseResult } from '../message/parse-message.ts';

export type Protocol = 'UDP' | 'TCP' | 'TLS';

/** A place to send to: an address, never a name. IPv6 without brackets. */
export type Target = {
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
  /** TLS: the domain its certificate has to be for (RFC 5922, 4); the address when left out. */
  readonly serverName?: string;
};

/**
 * The path a message came by, and the way back to its sender (RFC 5626 calls it a flow): for UDP the socket and the peer's
 * address, for TCP and TLS the connection.
 */
export interface Flow {
  readonly protocol: Protocol;
  readonly remote: Target;
  readonly local: Target;
  /** False once a connection has closed; UDP stays open while its socket does. */
  readonly isOpen: boolean;
  /** Sends one serialized message; false when the flow is closed or its queue is full. Never throws. */
  send(bytes: Uint8Array): boolean;
}

/** What a transport reports. All callbacks are synchronous and must not throw. */
export type TransportEvents = {
  /** Each message, also one that did not parse. */
  readonly message: (result: ParseResult, flow: Flow) => void;
  /** A socket or connection failed; counted, never fatal. */
  readonly error?: (error: Error, target: Target | undefined) => void;
};

/** One listening address. */
export interface Transport extends AsyncDisposable {
  readonly protocol: Protocol;
  readonly local: Target;
  /** The flow to a target, opened when there is none. For a stream it resolves when connected; rejects when it cannot be. */
  flowTo(target: Target, signal?: AbortSignal): Promise<Flow>;
}

/** RFC 3261, 18.1.1: TLS is reliable and so is TCP; UDP needs the transactions' retransmissions. */
export function isReliable(protocol: Protocol): boolean {
  return protocol !== 'UDP';
}

export const DEFAULT_PORT: Readonly<Record<Protocol, number>> = { UDP: 5060, TCP: 5060, TLS: 5061 };
