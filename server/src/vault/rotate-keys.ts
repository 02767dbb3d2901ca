import { AppError } from '../core/errors.ts';
import type { KeyProvider } from '../core/ports/key-provider.ts';
import type { SealedSecretStore } from '../core/ports/sealed-secret-store.ts';
import type { Envelope } from './envelope.ts';

/** For the start: @throws AppError not_configured naming the keys that stored secrets need and the vault does not have. */
export async function requireKeysInUse(
  store: Pick<SealedSecretStore, 'usedKeyIds'>,
  keys: Pick<KeyProvider, 'keyIds'>,
): Promise<void> {
  const missing = (await store.usedKeyIds()).filter((keyId) => !keys.keyIds.includes(keyId));
  if (missing.length === 0) return;
  throw new AppError('not_configured', {
    detail:
      `stored secrets need the vault key ${missing.join(', ')}, which is not there. Put it back into VAULT__KEYS or ` +
      'the keyring file; the keys found are ' +
      `${keys.keyIds.join(', ')}`,
  });
}

/**
 * Wraps every data key that an older key wraps with the current one, leaving the sealed bytes alone. May be cut off and
 * run again, on several nodes at once. Returns how many were wrapped anew.
 */
export async function rewrapDataKeys(
  store: SealedSecretStore,
  envelope: Envelope,
  currentKeyId: string,
): Promise<number> {
  let count = 0;
  for (;;) {
    const page = await store.listWrappedByOthers(currentKeyId);
    if (page.length === 0) return count;
    for (const secret of page) {
      const rewrapped = await envelope.rewrap(secret.sealed, secret.owner);
      // False: written anew in the meantime, and looked at again in the next round if that used an older key.
      if (await store.replace(secret, rewrapped)) count++;
    }
  }
}
