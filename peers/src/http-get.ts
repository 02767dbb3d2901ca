import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export type HttpAnswer = {
  readonly status: number;
  readonly body: string;
  readonly header: (name: string) => string | null;
};

const TIMEOUT_MS = 15_000;

/** A GET on a connection of its own, closed after it: nothing of ours stays open on the server. @throws Error of the network. */
export function httpGet(url: URL | string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  const address = new URL(url);
  const request = address.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(address, { agent: false, headers, timeout: TIMEOUT_MS }, (response) => {
      readBody(response).then((body) => {
        const header = (name: string) => {
          const value = response.headers[name];
          return typeof value === 'string' ? value : null;
        };
        resolve({ status: response.statusCode ?? 0, body, header });
      }, reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    sent.on('error', reject);
    sent.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return body;
}
