import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type CarrierRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string;
  readonly body: string;
};

export type CarrierReply = {
  readonly status: number;
  readonly body?: object;
  /** Instead of `body`: what is no JSON. */
  readonly text?: string;
  readonly headers?: Record<string, string>;
};

/** A carrier's REST interface on a free port: it records what it is asked, and answers what it is told to. */
export async function fakeCarrier(
  answer: (request: CarrierRequest) => CarrierReply | 'hang_up' | Promise<CarrierReply>,
) {
  const requests: CarrierRequest[] = [];
  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const url = new URL(incoming.url ?? '/', 'http://carrier');
    const request = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      authorization: incoming.headers.authorization ?? '',
      body: Buffer.concat(chunks).toString(),
    };
    requests.push(request);
    const reply = await answer(request);
    if (reply === 'hang_up') return void incoming.socket.destroy();
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.text ?? (reply.body ? JSON.stringify(reply.body) : ''));
  };
  const server = createServer((incoming, response) => void handle(incoming, response));
  // It streams no events.
  server.on('upgrade', (_incoming, socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    requests,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
