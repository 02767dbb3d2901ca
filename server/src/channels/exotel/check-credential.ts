import { AppError } from '../../core/errors.ts';
import type { CredentialCheck } from '../../core/ports/credential-check.ts';
import { expectExotel } from './exotel-api.ts';

/** Lists one call of the account (Exotel "Voice v1: Bulk call details"). */
export function exotelCredentialCheck(baseUrl?: string): CredentialCheck {
  return async (credential, signal) => {
    const path = '/Calls.json?PageSize=1';
    const { status } = await expectExotel(credential, { method: 'GET', path, baseUrl }, signal);
    if (status === 200) return 'the account answers';
    const why =
      status === 401 || status === 403 || status === 404
        ? `it refused api_key, api_secret or account_sid, or the account lives on another subdomain (${status})`
        : `it answered ${status}`;
    throw new AppError('carrier_failed', { detail: `Exotel: ${why}` });
  };
}
