import type { OpenCredential } from '../../core/credential/credential.ts';
import { AppError } from '../../core/errors.ts';

const DEFAULT_HOST = 'api.exotel.com';
const ANSWER_TIMEOUT_MS = 10_000;

export type ExotelRequest = {
  readonly method: 'GET' | 'POST';
  /** Under the account: `/Calls/connect.json`. */
  readonly path: string;
  readonly form?: readonly (readonly [string, string])[];
  /** Https and the account's `subdomain` when left out. */
  readonly baseUrl?: string | undefined;
};

export type ExotelAnswer = {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number | null;
};

/** One request to Exotel's Voice v1 API, Basic auth by key and token in a header. @throws whatever `fetch` throws. */
export async function askExotel(
  credential: OpenCredential,
  { method, path, form, baseUrl = `https://${credential.text('subdomain') ?? DEFAULT_HOST}` }: ExotelRequest,
  signal: AbortSignal,
): Promise<ExotelAnswer> {
  const login = `${credential.text('api_key') ?? ''}:${credential.text('api_secret') ?? ''}`;
  const account = encodeURIComponent(credential.text('account_sid') ?? '');
  const response = await fetch(`${baseUrl}/v1/Accounts/${account}${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
    ...(form && { body: new URLSearchParams(form.map(([name, value]): [string, string] => [name, value])) }),
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
  });
  const retryAfter = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  return {
    status: response.status,
    body: parse(await response.text()),
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : null,
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** As `askExotel`. @throws AppError carrier_failed without an answer. */
export async function expectExotel(
  credential: OpenCredential,
  request: ExotelRequest,
  signal: AbortSignal,
): Promise<ExotelAnswer> {
  return await askExotel(credential, request, signal).catch((cause: unknown) => {
    throw new AppError('carrier_failed', { detail: 'Exotel does not answer', cause });
  });
}

/** Whether the account has a call of this id (Exotel "Voice v1: Call details"). @throws AppError carrier_failed when Exotel does not say. */
export async function exotelKnowsCall(
  credential: OpenCredential,
  callSid: string,
  signal: AbortSignal,
  baseUrl?: string,
): Promise<boolean> {
  const path = `/Calls/${encodeURIComponent(callSid)}.json`;
  const { status } = await expectExotel(credential, { method: 'GET', path, baseUrl }, signal);
  if (status === 200) return true;
  if (status === 404 || status === 400) return false;
  throw new AppError('carrier_failed', { detail: `Exotel answered ${status} when asked about a call` });
}
