import type { OpenCredential } from '../../core/credential/credential.ts';
import { AppError } from '../../core/errors.ts';
import type { CredentialCheck } from '../../core/ports/credential-check.ts';
import { askVonage, VONAGE_API } from './vonage-api.ts';

const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Signs as calls do, by listing one call (Vonage "Voice API": get details of your calls), then asks for the application with
 * the account's own key (Vonage "Application API v2": get an application).
 */
export function vonageCredentialCheck(baseUrl = VONAGE_API): CredentialCheck {
  return async (credential, signal) => {
    const { status } = await askVonage(credential, { method: 'GET', path: '/v1/calls?page_size=1', baseUrl }, signal);
    if (status === 401 || status === 403) {
      throw refusal(`it refused the token of application_id and private_key (${status})`);
    }
    if (status !== 200) throw refusal(`it answered ${status}`);
    return await askForApplication(credential, baseUrl, signal);
  };
}

async function askForApplication(credential: OpenCredential, baseUrl: string, signal: AbortSignal): Promise<string> {
  const login = `${credential.text('api_key') ?? ''}:${credential.text('api_secret') ?? ''}`;
  const id = encodeURIComponent(credential.text('application_id') ?? '');
  let answer: Response;
  let name: unknown;
  try {
    answer = await fetch(`${baseUrl}/v2/applications/${id}`, {
      headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    name = ((await answer.json()) as { name?: unknown } | null)?.name;
  } catch (cause) {
    throw new AppError('carrier_failed', { detail: 'Vonage does not answer', cause });
  }
  if (answer.status === 401) throw refusal('it refused api_key or api_secret (401)');
  if (answer.status === 404) throw refusal('the account of api_key has no application application_id (404)');
  if (answer.status !== 200) throw refusal(`it answered ${answer.status}`);
  return `application ${JSON.stringify(typeof name === 'string' ? name : 'without a name')}`;
}

function refusal(why: string): AppError {
  return new AppError('carrier_failed', { detail: `Vonage: ${why}` });
}
