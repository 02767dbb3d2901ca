import { createPrivateKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { OpenCredential } from '../../core/credential/credential.ts';
import { AppError } from '../../core/errors.ts';
import { pemOf } from './credential-schema.ts';

export const VONAGE_API = 'https://api.nexmo.com';
const TOKEN_SECONDS = 300;
const ANSWER_TIMEOUT_MS = 10_000;

export type VonageAnswer = {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterSeconds: number | null;
};

/** One request to Vonage's Voice API, with a token of the application (Vonage "Authentication": RS256, iat, jti, exp). @throws AppError carrier_failed without an answer. */
export async function askVonage(
  credential: OpenCredential,
  request: { readonly method: string; readonly path: string; readonly body?: object; readonly baseUrl?: string },
  signal: AbortSignal,
): Promise<VonageAnswer> {
  const { method, path, body, baseUrl = VONAGE_API } = request;
  const authorization = `Bearer ${await applicationToken(credential)}`;
  try {
    const response = await fetch(baseUrl + path, {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    const text = await response.text();
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
    return {
      status: response.status,
      body: parse(text),
      retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : null,
    };
  } catch (cause) {
    throw new AppError('carrier_failed', { detail: 'Vonage does not answer', cause });
  }
}

async function applicationToken(credential: OpenCredential): Promise<string> {
  try {
    const key = createPrivateKey(pemOf(credential.text('private_key') ?? ''));
    return await new SignJWT({ application_id: credential.text('application_id') ?? '' })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuedAt()
      .setJti(randomUUID())
      .setExpirationTime(`${TOKEN_SECONDS}s`)
      .sign(key);
  } catch {
    // Without the cause: its words may hold the key.
    throw new AppError('carrier_failed', { detail: "the credential's private_key cannot be used; store it again" });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether the application has a call of this id. @throws AppError carrier_failed when Vonage does not say. */
export async function vonageKnowsCall(
  credential: OpenCredential,
  uuid: string,
  signal: AbortSignal,
  baseUrl?: string,
): Promise<boolean> {
  const path = `/v1/calls/${encodeURIComponent(uuid)}`;
  const { status } = await askVonage(credential, { method: 'GET', path, ...(baseUrl && { baseUrl }) }, signal);
  if (status === 200) return true;
  if (status === 404 || status === 400) return false;
  throw new AppError('carrier_failed', { detail: `Vonage answered ${status} when asked about a call` });
}
