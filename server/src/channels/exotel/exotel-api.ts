import type { OpenCredential } from '../../core/credential/credential.ts';
import { AppError } from '../../core/errors.ts';

const DEFAULT_HOST = 'api.exotel.com';
const ANSWER_TIMEOUT_MS = 10_000;

/** Whether the account has a call of this id (Exotel "Voice v1: Call details"). @throws AppError carrier_failed when Exotel does not say. */
export async function exotelKnowsCall(
  credential: OpenCredential,
  callSid: string,
  signal: AbortSignal,
  baseUrl = `https://${credential.text('subdomain') ?? DEFAULT_HOST}`,
): Promise<boolean> {
  const login = `${credential.text('api_key') ?? ''}:${credential.text('api_secret') ?? ''}`;
  const account = encodeURIComponent(credential.text('account_sid') ?? '');
  let status: number;
  try {
    const response = await fetch(`${baseUrl}/v1/Accounts/${account}/Calls/${encodeURIComponent(callSid)}.json`, {
      headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    status = response.status;
    await response.body?.cancel();
  } catch (cause) {
    throw new AppError('carrier_failed', { detail: 'Exotel does not answer', cause });
  }
  if (status === 200) return true;
  if (status === 404 || status === 400) return false;
  throw new AppError('carrier_failed', { detail: `Exotel answered ${status} when asked about a call` });
}
