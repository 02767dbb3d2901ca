import type { SealedSecret, SecretOwner } from './secret-box.ts';

export type StoredSecret = { readonly owner: SecretOwner; readonly sealed: SealedSecret };

/** All sealed secrets of a database, whatever they belong to: for changing the key that wraps their data keys. */
export interface SealedSecretStore {
  /** The ids of all wrapping keys that stored secrets need. */
  usedKeyIds(): Promise<readonly string[]>;
  /** Secrets whose data key is not wrapped by `keyId`, at most 200. */
  listWrappedByOthers(keyId: string): Promise<readonly StoredSecret[]>;
  /** Puts a secret with a re-wrapped data key in the place of the one that was read; false when that one changed since. */
  replace(read: StoredSecret, rewrapped: SealedSecret): Promise<boolean>;
}
