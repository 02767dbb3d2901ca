import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** AES-256-GCM with a 96-bit nonce and a full tag (NIST SP 800-38D, 8.2.2 and 5.2.1.2). */
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** Returns nonce (12) || tag (16) || ciphertext. The nonce is random: one key must not seal more than 2^32 texts. */
export function encrypt(key: Uint8Array, plain: Uint8Array, aad: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  const head = cipher.update(plain);
  const tail = cipher.final();
  return Buffer.concat([nonce, cipher.getAuthTag(), head, tail]);
}

/** The inverse of `encrypt`. @throws Error when a single bit of key, bytes or aad differs. */
export function decrypt(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new Error('too short to be sealed bytes');
  const nonce = sealed.subarray(0, NONCE_BYTES);
  // Without authTagLength Node would take a tag cut down to four bytes.
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const head = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
  return Buffer.concat([head, decipher.final()]);
}
