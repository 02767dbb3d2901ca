import { randomUUID } from 'node:crypto';
import type { Callees } from '../callee.ts';
import type { LineConditions } from '../carrier-leg.ts';
import type { Reach } from '../reach.ts';
import { type SentWebhook, sendWebhook, type WebhookAnswer, type WebhookRequest, withQuery } from '../webhook.ts';
import { bodySha256, twilioSignature } from './signature.ts';

/** How a webhook of Twilio's may come. JSON is what its event streams send, signed over the hash of the body. */
export type TwilioWebhookForm = 'POST' | 'GET' | 'JSON';

export type TwilioAccountOptions = {
  readonly accountSid: string;
  /** Null: nothing is signed, which Twilio itself never does: for a server that lets the phone in by an API key. */
  readonly authToken: string | null;
  readonly reach: Reach;
  readonly callees: Callees;
  readonly line: LineConditions;
};

/** Twilio "Webhooks: connection overrides": the total time of a request. */
const ANSWER_MS = 15_000;

/** An account: its keys, and how its requests reach the server. */
export class TwilioAccount {
  readonly accountSid: string;
  readonly authToken: string | null;
  readonly reach: Reach;
  readonly callees: Callees;
  readonly line: LineConditions;
  readonly webhooks: SentWebhook[] = [];

  constructor(options: TwilioAccountOptions) {
    this.accountSid = options.accountSid;
    this.authToken = options.authToken;
    this.reach = options.reach;
    this.callees = options.callees;
    this.line = options.line;
  }

  post(url: string, fields: Readonly<Record<string, string>>): Promise<WebhookAnswer> {
    return this.send(url, fields, 'POST');
  }

  /** Sends a signed webhook; once more, with the same token, when nobody takes the connection. @throws Error without an answer. */
  async send(url: string, fields: Readonly<Record<string, string>>, form: TwilioWebhookForm): Promise<WebhookAnswer> {
    const request = this.#request(url, fields, form);
    const note = (answer: WebhookAnswer | null) => void this.webhooks.push({ request, answer });
    const attempt = () => sendWebhook(request, this.reach, ANSWER_MS);
    try {
      const answer = await attempt().catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') return attempt();
        throw error;
      });
      note(answer);
      return answer;
    } catch (error) {
      note(null);
      throw error;
    }
  }

  #request(url: string, fields: Readonly<Record<string, string>>, form: TwilioWebhookForm): WebhookRequest {
    const common = { 'user-agent': 'TwilioProxy/1.1', accept: '*/*', 'i-twilio-idempotency-token': randomUUID() };
    if (form === 'GET') {
      const address = withQuery(url, fields);
      return { method: 'GET', url: address, headers: { ...common, ...this.signed(address) } };
    }
    const isJson = form === 'JSON';
    const body = isJson ? JSON.stringify(fields) : new URLSearchParams(fields).toString();
    const address = isJson ? withQuery(url, { bodySHA256: bodySha256(body) }) : url;
    const headers = {
      ...common,
      'content-type': isJson ? 'application/json' : 'application/x-www-form-urlencoded; charset=UTF-8',
      ...this.signed(address, isJson ? {} : fields),
    };
    return { method: 'POST', url: address, headers, body };
  }

  /** The header over an address and the fields of a form. */
  signed(url: string, fields: Readonly<Record<string, string>> = {}): Record<string, string> {
    return this.authToken === null ? {} : { 'x-twilio-signature': twilioSignature(this.authToken, url, fields) };
  }
}
