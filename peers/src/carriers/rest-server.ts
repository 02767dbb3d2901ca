import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type RestRequest = {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

export type RestReply = {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Answers one request; `hang up` closes the connection without an answer. */
export type RestHandler = (request: RestRequest) => RestReply | 'hang up' | Promise<RestReply | 'hang up'>;

/** A carrier's REST interface on a free port of loopback. */
export class RestServer implements AsyncDisposable {
  /** What was asked, in order. */
  readonly requests: RestRequest[] = [];
  /** Answers instead of the carrier while it is set: 429, 503, a lost answer. Null: the carrier answers after all. */
  disturb: ((request: RestRequest) => RestReply | 'hang up' | null) | undefined;
  readonly #server = createServer((incoming, response) => {
    this.#serve(incoming, response).catch(() => response.destroy());
  });
  readonly #handle: RestHandler;

  private constructor(handle: RestHandler) {
    this.#handle = handle;
  }

  static async listen(handle: RestHandler): Promise<RestServer> {
    const server = new RestServer(handle);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** http://127.0.0.1:port */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await incoming.toArray()).toString();
    const url = new URL(incoming.url ?? '/', 'http://carrier');
    const request: RestRequest = {
      method: incoming.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body,
    };
    this.requests.push(request);
    const reply = this.disturb?.(request) ?? (await this.#handle(request));
    if (reply === 'hang up') return void incoming.socket.destroy();
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.body ? JSON.stringify(reply.body) : '');
  }
}

/** The name and password of Basic authentication (RFC 7617); null where there is none. */
export function basicOf(headers: IncomingMessage['headers']): string | null {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+={0,2})$/.exec(headers.authorization ?? '') ?? [];
  return encoded === undefined ? null : Buffer.from(encoded, 'base64').toString();
}
