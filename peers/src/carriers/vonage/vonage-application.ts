import type { Callees } from '../callee.ts';
import type { LineConditions } from '../carrier-leg.ts';
import type { Reach } from '../reach.ts';
import { type SentWebhook, sendWebhook, type WebhookAnswer, type WebhookRequest, withQuery } from '../webhook.ts';
import { queryAsJson, signedWebhookToken } from './signed-webhook.ts';

export type VonageKeys = {
  readonly applicationId: string;
  /** PEM of the application's key pair: what the token of a REST request is checked with. */
  readonly publicKey: string;
  readonly apiKey: string;
  readonly apiSecret?: string;
  /** Null: webhooks come unsigned, as from accounts that did not switch it on. */
  readonly signatureSecret: string | null;
};

export type VonageApplicationOptions = VonageKeys & {
  readonly reach: Reach;
  readonly callees: Callees;
  readonly line: LineConditions;
};

/** The shorter of what Vonage has published for a webhook: about a second to connect, and one to answer. */
const ANSWER_MS = 2_000;
const ATTEMPTS = 2;

/** A voice application: its keys, and how its webhooks reach the server. */
export class VonageApplication {
  readonly options: VonageApplicationOptions;
  readonly webhooks: SentWebhook[] = [];

  constructor(options: VonageApplicationOptions) {
    this.options = options;
  }

  /**
   * Sends a webhook, signed where the account signs; once more after a failure, 429, 503 or 504.
   * @throws Error when nobody answers.
   */
  async send(method: 'GET' | 'POST', url: string, fields: Readonly<Record<string, unknown>>): Promise<WebhookAnswer> {
    const request = this.#request(method, url, fields);
    for (let attempt = 1; ; attempt++) {
      const answer = await sendWebhook(request, this.options.reach, ANSWER_MS).catch((error: unknown) => {
        if (attempt < ATTEMPTS) return null;
        this.webhooks.push({ request, answer: null });
        throw error;
      });
      const isFinal = answer !== null && (![429, 503, 504].includes(answer.status) || attempt === ATTEMPTS);
      if (!isFinal) continue;
      this.webhooks.push({ request, answer });
      return answer;
    }
  }

  #request(method: 'GET' | 'POST', url: string, fields: Readonly<Record<string, unknown>>): WebhookRequest {
    const body = JSON.stringify(fields);
    const text = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
    const address = method === 'GET' ? withQuery(url, text) : url;
    const token = this.token(method === 'GET' ? queryAsJson(address) : body);
    const headers = { 'user-agent': 'Vonage Voice', ...(token && { authorization: `Bearer ${token}` }) };
    if (method === 'GET') return { method, url: address, headers };
    return { method, url, headers: { ...headers, 'content-type': 'application/json' }, body };
  }

  /** The token over what is sent; null where the account does not sign. */
  token(payload: string): string | null {
    const { signatureSecret, apiKey, applicationId } = this.options;
    return signatureSecret === null ? null : signedWebhookToken({ signatureSecret, apiKey, applicationId }, payload);
  }
}
