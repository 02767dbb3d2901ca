import { AppError } from '../core/errors.ts';
import type { KeyProvider, WrappedKey } from '../core/ports/key-provider.ts';
import type { LocalKeyring } from './local-keyring.ts';

/**
 * A keyring that is read again when a key is asked for that it does not have: another process may have turned the key over
 * (`vault rotate`) while this one serves. What cannot be read leaves the known keys in use.
 */
export class ReloadingKeyring implements KeyProvider {
  readonly #read: () => LocalKeyring;
  #keyring: LocalKeyring;

  /** @param read reads the keyring as it is now; it makes none. */
  constructor(keyring: LocalKeyring, read: () => LocalKeyring) {
    this.#keyring = keyring;
    this.#read = read;
  }

  get currentKeyId(): string {
    return this.#keyring.currentKeyId;
  }

  get keyIds(): readonly string[] {
    return this.#keyring.keyIds;
  }

  wrap(dataKey: Uint8Array, aad: Uint8Array): Promise<WrappedKey> {
    return this.#keyring.wrap(dataKey, aad);
  }

  async unwrap(key: WrappedKey, aad: Uint8Array): Promise<Uint8Array> {
    if (!this.#keyring.keyIds.includes(key.keyId)) this.#reload();
    return await this.#keyring.unwrap(key, aad);
  }

  #reload(): void {
    try {
      this.#keyring = this.#read();
    } catch (error) {
      // The key that is missing is told by whoever needs it.
      if (!(error instanceof AppError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }
}
