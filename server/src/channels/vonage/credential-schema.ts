import type { CredentialSchema } from '../../core/credential/credential.ts';

const PEM = /-----BEGIN (RSA )?PRIVATE KEY-----[\s\S]+-----END (RSA )?PRIVATE KEY-----/;

/** A Vonage account and its voice application. Without `signature_secret` webhooks cannot be verified. */
export const vonageCredentialSchema: CredentialSchema = {
  provider: 'vonage',
  title: 'Vonage',
  fields: [
    { key: 'api_key', help: 'API key of the account.', isRequired: true },
    { key: 'api_secret', help: 'API secret of the account.', isRequired: true, isSecret: true },
    { key: 'application_id', help: 'Id of the voice application.', isRequired: true },
    {
      key: 'private_key',
      help: 'Private key of the application, the whole PEM file.',
      isRequired: true,
      isSecret: true,
      isMultiline: true,
      form: { pattern: PEM, words: 'must be a private key in PEM form' },
    },
    {
      key: 'signature_secret',
      help: 'Signature secret of the account (API settings): with it webhooks are verified.',
      isSecret: true,
    },
  ],
};

/** The key as Node reads it: consoles and env files give it with `\n` written out. */
export function pemOf(text: string): string {
  return text.replaceAll('\\n', '\n');
}
