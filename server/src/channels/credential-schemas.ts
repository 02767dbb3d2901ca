import type { CredentialSchema } from '../core/credential/credential.ts';
import { asteriskCredentialSchema } from './asterisk/credential-schema.ts';
import { exotelCredentialSchema } from './exotel/credential-schema.ts';
import { sipCredentialSchema } from './sip/credential-schema.ts';
import { twilioCredentialSchema } from './twilio/credential-schema.ts';
import { vonageCredentialSchema } from './vonage/credential-schema.ts';

/** What each carrier's account needs: forms and the command line are drawn from it. */
export const CARRIER_CREDENTIAL_SCHEMAS: readonly CredentialSchema[] = [
  twilioCredentialSchema,
  vonageCredentialSchema,
  exotelCredentialSchema,
  asteriskCredentialSchema,
  sipCredentialSchema,
];
