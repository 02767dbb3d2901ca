import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../environment.ts';
import type { Flow, Protocol, Target, Transport, TransportEvents } from './flow.ts';
import { StreamConnection } from './stream-connection.ts';

const CONNECT_TIMEOUT_MS = 5000;

/** PEM */
export type Certificate = { readonly cert: string | Buffer; readonly key: string | Buffer };

export type StreamOptions = {
  readonly clock: Clock;
  /** With a certificate the transport is TLS, else TCP. */
  readonly tls?: Certificate & { readonly ca?: string | Buffer };
  /** Connections held at once; the next one is closed at accept. */
  readonly maxConnections?: number;
};

const DEFAULT_MAX_CONNECTIONS = 4096;

/** A transport over TCP or TLS. */
export interface StreamListener extends Transport {
  /** TLS: connections from now on are shown this certificate; those that stand keep theirs. @throws when the two do not fit. */
  renew(certificate: Certificate): void;
}

/** Listens for SIP over TCP or TLS (RFC 3261, 18). Port 0 takes a free one. @throws when the address cannot be bound. */
export async function openStreamTransport(
  bind: { readonly address: string; readonly port: number },
  options: StreamOptions,
  events: TransportEvents,
): Promise<StreamListener> {
  const server = options.tls
    ? tls.createServer({ ...options.tls, minVersion: 'TLSv1.2' })
    : net.createServer({ noDelay: true });
  server.maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
  const transport = new StreamTransport(server, options, events);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: bind.address, port: bind.port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => events.error?.(error, undefined));
  return transport;
}

/** Connections are reused both ways (18.1.1, RFC 5923): one to or from a target carries all requests and responses. */
class StreamTransport implements StreamListener {
  readonly protocol: Protocol;
  readonly #server: net.Server;
  readonly #options: StreamOptions;
  readonly #events: TransportEvents;
  readonly #connections = new Map<string, StreamConnection>();
  readonly #opening = new Map<string, Promise<Flow>>();
  readonly #closing = new AbortController();

  constructor(server: net.Server, options: StreamOptions, events: TransportEvents) {
    this.protocol = options.tls ? 'TLS' : 'TCP';
    this.#server = server;
    this.#options = options;
    this.#events = events;
    server.on(options.tls ? 'secureConnection' : 'connection', (socket: net.Socket) => this.#adopt(socket));
    if (options.tls) server.on('tlsClientError', (error, socket) => events.error?.(error, this.#remoteOf(socket)));
  }

  get local(): Target {
    const bound = this.#server.address();
    const { address, port } = bound !== null && typeof bound === 'object' ? bound : { address: '', port: 0 };
    return { protocol: this.protocol, address, port };
  }

  renew(certificate: Certificate): void {
    if (this.#server instanceof tls.Server)
      this.#server.setSecureContext({ ...this.#options.tls, ...certificate, minVersion: 'TLSv1.2' });
  }

  async flowTo(target: Target, signal?: AbortSignal): Promise<Flow> {
    const key = keyOf(target);
    const existing = this.#connections.get(key);
    if (existing?.isOpen) return existing;
    const opening = this.#opening.get(key) ?? this.#connect(target, signal);
    this.#opening.set(key, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(key);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    for (const connection of this.#connections.values()) connection.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #connect(target: Target, signal?: AbortSignal): Promise<Flow> {
    const { tls: secure } = this.#options;
    const where = { host: target.address, port: target.port };
    const socket = secure
      ? tls.connect({
          ...where,
          minVersion: 'TLSv1.2',
          ...(target.serverName === undefined ? {} : { servername: target.serverName }),
          ...(secure.ca ? { ca: secure.ca } : {}),
        })
      : net.connect({ ...where, noDelay: true });
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(CONNECT_TIMEOUT_MS, () =>
        fail(new Error(`no connection in ${CONNECT_TIMEOUT_MS} ms`)),
      );
      const abort = () => fail(new Error('connecting was cancelled'));
      const fail = (error: Error) => {
        settle();
        socket.destroy();
        reject(error);
      };
      const settle = () => {
        timer.cancel();
        socket.off('error', fail);
        signal?.removeEventListener('abort', abort);
        this.#closing.signal.removeEventListener('abort', abort);
      };
      socket.on('error', fail);
      signal?.addEventListener('abort', abort);
      this.#closing.signal.addEventListener('abort', abort);
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        settle();
        resolve(this.#adopt(socket));
      });
    });
  }

  #adopt(socket: net.Socket): StreamConnection {
    const remote = this.#remoteOf(socket);
    const key = keyOf(remote);
    const connection = new StreamConnection(socket, remote, { clock: this.#options.clock, events: this.#events });
    this.#connections.set(key, connection);
    socket.once('close', () => {
      if (this.#connections.get(key) === connection) this.#connections.delete(key);
    });
    return connection;
  }

  #remoteOf(socket: net.Socket): Target {
    return { protocol: this.protocol, address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
  }
}

function keyOf({ address, port }: Target): string {
  return `${address} ${port}`;
}
