import { createHash, timingSafeEqual } from 'node:crypto';
import { jwtVerify } from 'jose';

/** A webhook older or younger than this is a replay. */
const WINDOW_SECONDS = 300;
/** Vonage repeats a webhook that was not answered in time, and nothing says that it signs anew for it. */
const RETRY_SECONDS = 30;
const MOST_REMEMBERED_IDS = 10_000;

export type SignedWebhook = {
  readonly authorization: string | undefined;
  readonly method: 'GET' | 'POST';
  readonly rawTarget: string;
  readonly rawBody: Uint8Array;
};

export type WebhookVerdict =
  | { readonly isValid: true }
  | {
      readonly isValid: false;
      readonly difference: 'missing' | 'signature' | 'age' | 'replayed' | 'account' | 'payload';
    };

export type WebhookSigner = {
  readonly signatureSecret: string;
  readonly apiKey: string;
  readonly applicationId: string;
};

/** Remembers the token ids of the last minutes, so that a caught webhook cannot be played again later. */
export class SeenTokenIds {
  readonly #seenAt = new Map<string, number>();

  /** True the first time, and for the retries of the next 30 s: those ask for what was answered already. */
  add(id: string, nowSeconds: number): boolean {
    for (const [old, seenAt] of this.#seenAt) {
      if (seenAt + 2 * WINDOW_SECONDS > nowSeconds && this.#seenAt.size < MOST_REMEMBERED_IDS) break;
      this.#seenAt.delete(old);
    }
    const seenAt = this.#seenAt.get(id);
    if (seenAt === undefined) this.#seenAt.set(id, nowSeconds);
    return seenAt === undefined || nowSeconds - seenAt < RETRY_SECONDS;
  }
}

/**
 * Verifies a Vonage signed webhook: a bearer JWT, HS256 by the account's signature secret, whose payload_hash is the SHA-256
 * of the raw body (for GET: of the query as JSON, keys in order). The SDK accepts any age, so the window is ours.
 * Source: Vonage "Signed webhooks".
 */
export async function verifySignedWebhook(
  webhook: SignedWebhook,
  signer: WebhookSigner,
  seen: SeenTokenIds,
  nowMs: number,
): Promise<WebhookVerdict> {
  const token = /^Bearer +(\S+)$/i.exec(webhook.authorization ?? '')?.[1];
  if (!token) return { isValid: false, difference: 'missing' };
  const claims = await readClaims(token, signer.signatureSecret);
  if (!claims) return { isValid: false, difference: 'signature' };
  const nowSeconds = nowMs / 1000;
  if (typeof claims.iat !== 'number' || Math.abs(nowSeconds - claims.iat) > WINDOW_SECONDS) {
    return { isValid: false, difference: 'age' };
  }
  const isOurs = claims['api_key'] === signer.apiKey || claims['application_id'] === signer.applicationId;
  if (!isOurs) return { isValid: false, difference: 'account' };
  if (!isPayloadHash(claims['payload_hash'], webhook)) return { isValid: false, difference: 'payload' };
  if (typeof claims.jti !== 'string' || !seen.add(claims.jti, nowSeconds))
    return { isValid: false, difference: 'replayed' };
  return { isValid: true };
}

async function readClaims(token: string, secret: string) {
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ['HS256'],
      currentDate: new Date(0),
    });
    return payload;
  } catch {
    return null;
  }
}

function isPayloadHash(given: unknown, webhook: SignedWebhook): boolean {
  if (typeof given !== 'string') return false;
  const payload = webhook.method === 'GET' ? queryAsJson(webhook.rawTarget) : webhook.rawBody;
  const expected = createHash('sha256').update(payload).digest();
  const bytes = Buffer.from(given, 'hex');
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

function queryAsJson(rawTarget: string): string {
  return JSON.stringify(Object.fromEntries(new URLSearchParams(rawTarget.split('?')[1] ?? '')));
}
