/** A data key wrapped by a key-encryption key. */
export type WrappedKey = { readonly keyId: string; readonly wrapped: Uint8Array };

/** Wraps data keys with a key that never leaves the provider. */
export interface KeyProvider {
  /** The key that new data keys are wrapped with. */
  readonly currentKeyId: string;
  readonly keyIds: readonly string[];
  /** @param aad authenticated with the wrap: the same bytes are needed to unwrap. */
  wrap(dataKey: Uint8Array, aad: Uint8Array): Promise<WrappedKey>;
  /** @throws AppError internal naming the key id when that key is missing or the bytes were changed. */
  unwrap(key: WrappedKey, aad: Uint8Array): Promise<Uint8Array>;
}
