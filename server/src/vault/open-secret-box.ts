import type { KeyProvider } from '../core/ports/key-provider.ts';
import type { SealedSecretStore } from '../core/ports/sealed-secret-store.ts';
import { Envelope } from './envelope.ts';
import { openKeyringFile, readKeyringFile } from './keyring-file.ts';
import { LocalKeyring, type VaultKey } from './local-keyring.ts';
import { ReloadingKeyring } from './reloading-keyring.ts';
import { requireKeysInUse } from './rotate-keys.ts';

export type SecretBoxOptions = {
  /** VAULT__KEYS, the current one first; empty: the keyring file in `dataDir`, made when there is none. */
  readonly vaultKeys: readonly VaultKey[];
  readonly dataDir: string;
  readonly store: Pick<SealedSecretStore, 'usedKeyIds'>;
};

export type OpenedSecretBox = {
  readonly secretBox: Envelope;
  readonly keyring: KeyProvider;
  /** What to back up apart from the data; null with VAULT__KEYS. */
  readonly keyringFile: string | null;
  readonly isNewKeyring: boolean;
};

/**
 * Opens the vault with the keys of the environment or of the keyring file, and makes sure they fit what is stored.
 * @throws AppError not_configured when keys are missing, damaged or readable by others.
 */
export async function openSecretBox({ vaultKeys, dataDir, store }: SecretBoxOptions): Promise<OpenedSecretBox> {
  const file = vaultKeys.length === 0 ? openKeyringFile(dataDir) : null;
  const keyring = file
    ? new ReloadingKeyring(file.keyring, () => readKeyringFile(dataDir))
    : new LocalKeyring(vaultKeys);
  await requireKeysInUse(store, keyring);
  return {
    secretBox: new Envelope(keyring),
    keyring,
    keyringFile: file?.path ?? null,
    isNewKeyring: file?.isNew ?? false,
  };
}
