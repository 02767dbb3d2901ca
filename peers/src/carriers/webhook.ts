import { type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Reach } from './reach.ts';

export type WebhookRequest = {
  readonly method: 'GET' | 'POST';
  /** The public address, query included: what is signed. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a POST. */
  readonly body?: string;
};

export type WebhookAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

/** A webhook that was sent, for the test that looks at it. */
export type SentWebhook = { readonly request: WebhookRequest; readonly answer: WebhookAnswer | null };

/** Sends one webhook on a connection of its own. @throws Error when nobody answers within `timeoutMs`. */
export function sendWebhook(request: WebhookRequest, reach: Reach, timeoutMs: number): Promise<WebhookAnswer> {
  const { address, host } = reach(request.url);
  const open = address.protocol === 'https:' ? requestHttps : requestHttp;
  const { method, headers, body } = request;
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const sent = open(address, { agent: false, method, headers: { host, ...headers, ...length } }, (response) => {
      response.toArray().then((chunks: Buffer[]) => {
        clearTimeout(timer);
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      }, reject);
    });
    const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    sent.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end(body);
  });
}

/** An address with more parameters at the end of its query. */
export function withQuery(url: string, fields: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(fields).toString();
  return query === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`;
}

/** A form as multipart/form-data (RFC 7578), with its content type. */
export function multipartForm(fields: Readonly<Record<string, string>>): { contentType: string; body: string } {
  const boundary = '------------------------d74496d66958873e';
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: `${parts.join('')}--${boundary}--\r\n` };
}
