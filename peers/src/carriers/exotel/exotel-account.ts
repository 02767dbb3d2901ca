import type { Callees } from '../callee.ts';
import type { LineConditions } from '../carrier-leg.ts';
import type { Reach } from '../reach.ts';
import {
  multipartForm,
  type SentWebhook,
  sendWebhook,
  type WebhookAnswer,
  type WebhookRequest,
  withQuery,
} from '../webhook.ts';

export type ExotelKeys = { readonly accountSid: string; readonly apiKey: string; readonly apiToken: string };

/** How a request of Exotel's may come: applets use GET, status callbacks the others. */
export type ExotelForm = 'GET' | 'multipart' | 'urlencoded' | 'JSON';

export type ExotelAccountOptions = ExotelKeys & {
  readonly reach: Reach;
  readonly callees: Callees;
  readonly line: LineConditions;
};

const ANSWER_MS = 10_000;

/** An account: its keys, and how its requests reach the server. Exotel signs nothing; a password in an address becomes Basic. */
export class ExotelAccount {
  readonly options: ExotelAccountOptions;
  readonly webhooks: SentWebhook[] = [];

  constructor(options: ExotelAccountOptions) {
    this.options = options;
  }

  /** Sends one request. @throws Error without an answer. */
  async send(
    url: string,
    fields: Readonly<Record<string, string>>,
    form: ExotelForm,
    accept = '*/*',
  ): Promise<WebhookAnswer> {
    const request = exotelRequest(url, fields, form, accept);
    const answer = await sendWebhook(request, this.options.reach, ANSWER_MS);
    this.webhooks.push({ request, answer });
    return answer;
  }
}

function exotelRequest(
  url: string,
  fields: Readonly<Record<string, string>>,
  form: ExotelForm,
  accept: string,
): WebhookRequest {
  const { bare, headers: authorization } = withoutPassword(url);
  const headers = { 'user-agent': 'Exotel', accept, ...authorization };
  if (form === 'GET') return { method: 'GET', url: withQuery(bare, fields), headers };
  const { contentType, body } = encode(fields, form);
  return { method: 'POST', url: bare, headers: { ...headers, 'content-type': contentType }, body };
}

function encode(fields: Readonly<Record<string, string>>, form: ExotelForm): { contentType: string; body: string } {
  if (form === 'multipart') return multipartForm(fields);
  if (form === 'JSON') return { contentType: 'application/json', body: JSON.stringify(fields) };
  return { contentType: 'application/x-www-form-urlencoded', body: new URLSearchParams(fields).toString() };
}

/** https://key:token@host/… as Basic authentication (Exotel "Voicebot applet": authentication). */
export function withoutPassword(url: string): { bare: string; headers: Record<string, string> } {
  const [, scheme, login] = /^(\w+:\/\/)([^/@]+)@/.exec(url) ?? [];
  if (!scheme || !login) return { bare: url, headers: {} };
  const basic = Buffer.from(decodeURIComponent(login)).toString('base64');
  return { bare: url.replace(`${login}@`, ''), headers: { authorization: `Basic ${basic}` } };
}
