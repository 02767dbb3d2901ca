import { AppError } from '../../core/errors.ts';
import type { CredentialCheck } from '../../core/ports/credential-check.ts';
import { askTwilio, TWILIO_API } from './twilio-api.ts';

/** Asks for the account itself (Twilio "Account resource": fetch). */
export function twilioCredentialCheck(baseUrl = TWILIO_API): CredentialCheck {
  return async (credential, signal) => {
    const request = { method: 'GET', path: '.json', baseUrl } as const;
    const { status, body } = await askTwilio(credential, request, signal).catch((cause: unknown) => {
      throw new AppError('carrier_failed', { detail: 'Twilio does not answer', cause });
    });
    if (status === 401 || status === 404) throw refusal(`it refused account_sid or account_token (${status})`);
    if (status !== 200) throw refusal(`it answered ${status}`);
    if (body['status'] !== 'active') throw refusal(`the account is ${String(body['status'])}`);
    return `account ${JSON.stringify(String(body['friendly_name'] ?? 'without a name'))}, ${String(body['type'] ?? 'Full')}`;
  };
}

function refusal(why: string): AppError {
  return new AppError('carrier_failed', { detail: `Twilio: ${why}` });
}
