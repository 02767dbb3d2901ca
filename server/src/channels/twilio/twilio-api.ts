import type { OpenCredential } from '../../core/credential/credential.ts';

export const TWILIO_API = 'https://api.twilio.com';
const VERSION = '2010-04-01';
const ANSWER_TIMEOUT_MS = 10_000;

export type TwilioAnswer = {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number | null;
};

export type TwilioRequest = {
  readonly method: 'GET' | 'POST';
  /** Under the account: `/Calls.json`. */
  readonly path: string;
  readonly form?: readonly (readonly [string, string])[];
  readonly baseUrl: string;
};

/** One request to Twilio's REST API, Basic auth by the account's token. @throws whatever `fetch` throws. */
export async function askTwilio(
  credential: OpenCredential,
  { method, path, form, baseUrl }: TwilioRequest,
  signal: AbortSignal,
): Promise<TwilioAnswer> {
  const accountSid = credential.text('account_sid') ?? '';
  const login = `${accountSid}:${credential.text('account_token') ?? ''}`;
  const response = await fetch(`${baseUrl}/${VERSION}/Accounts/${encodeURIComponent(accountSid)}${path}`, {
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
