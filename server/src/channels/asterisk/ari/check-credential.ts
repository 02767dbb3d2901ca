import type { CredentialCheck } from '../../../core/ports/credential-check.ts';
import { AriClient } from './ari-client.ts';

/** Asks Asterisk for its version. */
export const ariCredentialCheck: CredentialCheck = async (credential, signal) => {
  const text = (key: string) => credential.text(key) ?? '';
  const ari = new AriClient({
    ari_url: text('ari_url'),
    ari_user: text('ari_user'),
    ari_password: text('ari_password'),
  });
  return `Asterisk ${await ari.version(signal)}`;
};
