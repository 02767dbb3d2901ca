import { createHash, createHmac, createVerify, randomUUID } from 'node:crypto';
import { readObject } from '../strict-json.ts';

export type VonageSigner = {
  readonly signatureSecret: string;
  readonly apiKey: string;
  readonly applicationId: string;
};

/**
 * The bearer token of a signed webhook: HS256 by the account's signature secret, over the SHA-256 of what was sent.
 * @param payload the raw body; of a GET the query as JSON, in order. Source: Vonage "Signed webhooks".
 */
export function signedWebhookToken(signer: VonageSigner, payload: string, nowMs = Date.now()): string {
  const claims = {
    iat: Math.floor(nowMs / 1000),
    jti: randomUUID(),
    iss: 'Vonage',
    payload_hash: createHash('sha256').update(payload).digest('hex'),
    api_key: signer.apiKey,
    application_id: signer.applicationId,
  };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', signer.signatureSecret).update(text).digest('base64url')}`;
}

/** What the token hashes of a GET. */
export function queryAsJson(url: string): string {
  return JSON.stringify(Object.fromEntries(new URL(url).searchParams));
}

/**
 * Why a request to the Voice API is not let in; null when it is: RS256 by the application's key, its id, a fresh iat, a jti, an
 * exp within a day. Source: Vonage "Authentication: JWT".
 */
export function objectionToToken(
  authorization: string | undefined,
  application: { readonly id: string; readonly publicKey: string },
  nowMs = Date.now(),
): string | null {
  const [, head = '', body = '', signature = ''] =
    /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization ?? '') ?? [];
  const header = readObject(decode(head));
  const claims = readObject(decode(body));
  if (!header || !claims) return 'no token';
  if (header['alg'] !== 'RS256') return 'the token is not RS256';
  const verify = createVerify('RSA-SHA256').update(`${head}.${body}`);
  if (!verify.verify(application.publicKey, signature, 'base64url')) return 'the signature does not fit';
  if (claims['application_id'] !== application.id) return 'another application';
  const { iat, exp, jti } = claims as { iat?: unknown; exp?: unknown; jti?: unknown };
  const nowSeconds = nowMs / 1000;
  if (typeof jti !== 'string' || jti === '') return 'no jti';
  if (typeof iat !== 'number' || iat > nowSeconds + 60) return 'iat lies ahead';
  if (typeof exp !== 'number' || exp <= nowSeconds || exp - iat > 86_400) return 'exp is past, or more than a day off';
  return null;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): string {
  return Buffer.from(text, 'base64url').toString();
}
