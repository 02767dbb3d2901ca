import dgram from 'node:dgram';
import { parseMessage } from '../message/parse-message.ts';
import type { Flow, Target, Transport, TransportEvents } from './flow.ts';

/** Bytes of the shortest thing that could be a message; keep-alives (CRLF, zero bytes) and STUN-like noise are below or dropped. */
const MIN_MESSAGE_BYTES = 20;
const RECEIVE_BUFFER_BYTES = 1 << 20;

/** Binds a UDP socket for SIP (RFC 3261, 18). Port 0 takes a free one. @throws when the address cannot be bound. */
export async function openUdpTransport(
  bind: { readonly address: string; readonly port: number },
  events: TransportEvents,
): Promise<Transport> {
  const socket = dgram.createSocket({
    type: bind.address.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: RECEIVE_BUFFER_BYTES,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: bind.address, port: bind.port, exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  return new UdpTransport(socket, events);
}

class UdpTransport implements Transport {
  readonly protocol = 'UDP';
  readonly local: Target;
  readonly #socket: dgram.Socket;
  readonly #events: TransportEvents;
  #isOpen = true;

  constructor(socket: dgram.Socket, events: TransportEvents) {
    const { address, port } = socket.address();
    this.local = { protocol: 'UDP', address, port };
    this.#socket = socket;
    this.#events = events;
    socket.on('error', (error) => events.error?.(error, undefined));
    socket.on('message', (bytes, peer) => {
      if (bytes.length < MIN_MESSAGE_BYTES) return;
      events.message(parseMessage(bytes), this.#flow({ protocol: 'UDP', address: peer.address, port: peer.port }));
    });
  }

  async flowTo(target: Target): Promise<Flow> {
    return this.#flow(target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }

  #flow(remote: Target): Flow {
    const transport = this;
    return {
      protocol: 'UDP',
      remote,
      local: this.local,
      get isOpen() {
        return transport.#isOpen;
      },
      send: (bytes) => this.#send(bytes, remote),
    };
  }

  #send(bytes: Uint8Array, remote: Target): boolean {
    if (!this.#isOpen) return false;
    this.#socket.send(bytes, remote.port, remote.address, (error) => {
      if (error) this.#events.error?.(error, remote);
    });
    return true;
  }
}
