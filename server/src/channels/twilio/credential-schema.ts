import type { CredentialSchema } from '../../core/credential/credential.ts';

/** A Twilio account. Its auth token signs webhooks and places calls. */
export const twilioCredentialSchema: CredentialSchema = {
  provider: 'twilio',
  title: 'Twilio',
  fields: [
    {
      key: 'account_sid',
      help: 'Account SID, from the console’s first page: AC and 32 characters.',
      isRequired: true,
      form: { pattern: /^AC[0-9a-fA-F]{32}$/, words: 'must be AC and 32 hexadecimal characters' },
    },
    { key: 'account_token', help: 'Auth Token of that account.', isRequired: true, isSecret: true },
  ],
};
