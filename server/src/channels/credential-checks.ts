import type { CredentialCheck } from '../core/ports/credential-check.ts';
import { ariCredentialCheck } from './asterisk/ari/check-credential.ts';
import { exotelCredentialCheck } from './exotel/check-credential.ts';
import { twilioCredentialCheck } from './twilio/check-credential.ts';
import { vonageCredentialCheck } from './vonage/check-credential.ts';

/** How each carrier is asked whether it takes an account, by provider. A SIP trunk has nothing to be asked over REST. */
export const CARRIER_CREDENTIAL_CHECKS: Readonly<Record<string, CredentialCheck>> = {
  twilio: twilioCredentialCheck(),
  vonage: vonageCredentialCheck(),
  exotel: exotelCredentialCheck(),
  asterisk: ariCredentialCheck,
};
