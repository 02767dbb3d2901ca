import { AppError } from '../core/errors.ts';
import type { KeyProvider, WrappedKey } from '../core/ports/key-provider.ts';
import { decrypt, encrypt, KEY_BYTES } from './aes-gcm.ts';

/** One key-encryption key: 32 bytes under a name that stays in the rows it wrapped. */
export type VaultKey = { readonly keyId: string; readonly key: Uint8Array };

/** Keys held in this process's memory: from VAULT__KEYS or the keyring file. The first wraps, all unwrap. */
export class LocalKeyring implements KeyProvider {
  readonly currentKeyId: string;
  readonly #keys: ReadonlyMap<string, Uint8Array>;

  /** @throws AppError not_configured unless there is a key, each has 32 bytes, and no id comes twice. */
  constructor(keys: readonly VaultKey[]) {
    const [current] = keys;
    if (!current) throw new AppError('not_configured', { detail: 'the vault has no key' });
    for (const { keyId, key } of keys) {
      if (key.length !== KEY_BYTES) {
        throw new AppError('not_configured', {
          detail: `vault key ${keyId} has ${key.length} bytes instead of ${KEY_BYTES}`,
        });
      }
    }
    this.#keys = new Map(keys.map(({ keyId, key }) => [keyId, Uint8Array.from(key)]));
    if (this.#keys.size !== keys.length) throw new AppError('not_configured', { detail: 'two vault keys share an id' });
    this.currentKeyId = current.keyId;
  }

  get keyIds(): readonly string[] {
    return Array.from(this.#keys.keys());
  }

  async wrap(dataKey: Uint8Array, aad: Uint8Array): Promise<WrappedKey> {
    return { keyId: this.currentKeyId, wrapped: encrypt(this.#key(this.currentKeyId), dataKey, aad) };
  }

  async unwrap({ keyId, wrapped }: WrappedKey, aad: Uint8Array): Promise<Uint8Array> {
    const key = this.#key(keyId);
    try {
      return decrypt(key, wrapped, aad);
    } catch (cause) {
      throw new AppError('internal', {
        detail: `a data key wrapped by vault key ${keyId} does not open: it was changed, or belongs to another record`,
        cause,
      });
    }
  }

  #key(keyId: string): Uint8Array {
    const key = this.#keys.get(keyId);
    if (!key) {
      throw new AppError('internal', {
        detail: `the vault has no key ${keyId}. Put it back into VAULT__KEYS or the keyring file`,
      });
    }
    return key;
  }
}
