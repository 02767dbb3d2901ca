import type { Clock } from '../core/ports/clock.ts';
import type { CredentialCheck } from '../core/ports/credential-check.ts';
import type { Random } from '../core/ports/random.ts';
import { ariCredentialCheck } from './asterisk/ari/check-credential.ts';
import { exotelCredentialCheck } from './exotel/check-credential.ts';
import { sipCredentialCheck } from './sip/check-trunk.ts';
import { twilioCredentialCheck } from './twilio/check-credential.ts';
import { vonageCredentialCheck } from './vonage/check-credential.ts';

export type CredentialCheckParts = { readonly clock: Clock; readonly random: Random };

/** How each carrier is asked whether it takes an account, by provider. */
export function carrierCredentialChecks(parts: CredentialCheckParts): Readonly<Record<string, CredentialCheck>> {
  return {
    twilio: twilioCredentialCheck(),
    vonage: vonageCredentialCheck(),
    exotel: exotelCredentialCheck(),
    asterisk: ariCredentialCheck,
    sip: sipCredentialCheck(parts),
  };
}
