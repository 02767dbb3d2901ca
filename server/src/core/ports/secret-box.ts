/** What a sealed secret is bound to: opened under any other owner it does not decrypt. */
export type SecretOwner = { readonly projectId: string; readonly recordId: string; readonly kind: string };

/** A secret as it is stored: nothing in it is readable without the key provider. */
export type SealedSecret = {
  readonly algorithm: 'A256GCM.v1';
  readonly keyId: string;
  readonly wrappedKey: Uint8Array;
  /** nonce (12) || tag (16) || ciphertext */
  readonly sealed: Uint8Array;
};

/** Seals and opens secrets (envelope encryption). */
export interface SecretBox {
  seal(plain: Uint8Array, owner: SecretOwner): Promise<SealedSecret>;
  /** @throws AppError internal, never with the content, when owner, key or bytes do not fit. */
  open(secret: SealedSecret, owner: SecretOwner): Promise<Uint8Array>;
}
