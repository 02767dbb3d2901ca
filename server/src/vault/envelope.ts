import { randomBytes } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import type { KeyProvider } from '../core/ports/key-provider.ts';
import type { SealedSecret, SecretBox, SecretOwner } from '../core/ports/secret-box.ts';
import { decrypt, encrypt, KEY_BYTES } from './aes-gcm.ts';

const ALGORITHM = 'A256GCM.v1';

/**
 * Envelope encryption: each write gets a data key of its own, and only that is wrapped by the provider's key. Both layers
 * are bound to the owner, so a row copied to another project, record or kind does not open.
 */
export class Envelope implements SecretBox {
  readonly #keys: KeyProvider;

  constructor(keys: KeyProvider) {
    this.#keys = keys;
  }

  async seal(plain: Uint8Array, owner: SecretOwner): Promise<SealedSecret> {
    const aad = ownerBytes(owner);
    const dataKey = randomBytes(KEY_BYTES);
    try {
      const { keyId, wrapped } = await this.#keys.wrap(dataKey, aad);
      return { algorithm: ALGORITHM, keyId, wrappedKey: wrapped, sealed: encrypt(dataKey, plain, aad) };
    } finally {
      dataKey.fill(0);
    }
  }

  async open(secret: SealedSecret, owner: SecretOwner): Promise<Uint8Array> {
    if (secret.algorithm !== ALGORITHM) {
      throw new AppError('internal', { detail: `secrets sealed with ${String(secret.algorithm)} are not understood` });
    }
    const aad = ownerBytes(owner);
    const dataKey = await this.#keys.unwrap({ keyId: secret.keyId, wrapped: secret.wrappedKey }, aad);
    try {
      return decrypt(dataKey, secret.sealed, aad);
    } catch (cause) {
      throw new AppError('internal', {
        detail: `the secret of ${owner.kind} ${owner.recordId} does not open: its bytes were changed, or it is another's`,
        cause,
      });
    } finally {
      dataKey.fill(0);
    }
  }

  /** The same secret with its data key wrapped by the provider's current key; the sealed bytes stay as they are. */
  async rewrap(secret: SealedSecret, owner: SecretOwner): Promise<SealedSecret> {
    const aad = ownerBytes(owner);
    const dataKey = await this.#keys.unwrap({ keyId: secret.keyId, wrapped: secret.wrappedKey }, aad);
    try {
      const { keyId, wrapped } = await this.#keys.wrap(dataKey, aad);
      return { ...secret, keyId, wrappedKey: wrapped };
    } finally {
      dataKey.fill(0);
    }
  }
}

function ownerBytes({ projectId, recordId, kind }: SecretOwner): Uint8Array {
  const parts = ['v1', projectId, recordId, kind];
  // Two owners must never share a text.
  if (parts.some((part) => part === '' || part.includes('|'))) {
    throw new AppError('internal', { detail: 'the owner of a secret needs three names without |' });
  }
  return Buffer.from(parts.join('|'));
}
