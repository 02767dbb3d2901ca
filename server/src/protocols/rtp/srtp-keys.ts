import { type Cipheriv, createCipheriv, createSecretKey, type KeyObject } from 'node:crypto';

const MASTER_KEY_BYTES = 16;
const MASTER_SALT_BYTES = 14;
/** The salt of AES-GCM (RFC 7714, 12). */
const AEAD_SALT_BYTES = 12;
const BLOCK_BYTES = 16;
const AUTH_KEY_BYTES = 20;
const MAX_BLOCKS = 128;

/** Labels of the key derivation (RFC 3711, 4.3.1 and 4.3.2). */
const LABELS = { rtp: { cipher: 0, auth: 1, salt: 2 }, rtcp: { cipher: 3, auth: 4, salt: 5 } } as const;

export type SessionKeys = { readonly cipher: AesCounter; readonly authKey: KeyObject; readonly salt: Uint8Array };

/** The session keys of a master key and salt (4.3, with a key derivation rate of zero). @throws RangeError unless 30 bytes. */
export function deriveSessionKeys(master: Uint8Array, kind: 'rtp' | 'rtcp'): SessionKeys {
  if (master.length !== MASTER_KEY_BYTES + MASTER_SALT_BYTES)
    throw new RangeError(`an SRTP key has 30 bytes, this one ${master.length}`);
  const source = new AesCounter(master.subarray(0, MASTER_KEY_BYTES));
  const salt = master.subarray(MASTER_KEY_BYTES);
  const labels = LABELS[kind];
  return {
    cipher: new AesCounter(derive(source, salt, { label: labels.cipher, length: MASTER_KEY_BYTES })),
    // As a key object: an HMAC over raw bytes costs 12 us a packet, over this 2.6 (Node 24).
    authKey: createSecretKey(derive(source, salt, { label: labels.auth, length: AUTH_KEY_BYTES })),
    salt: derive(source, salt, { label: labels.salt, length: MASTER_SALT_BYTES }),
  };
}

export type AeadKeys = { readonly key: KeyObject; readonly salt: Uint8Array };

/** The same for AES-GCM, whose salt is 12 bytes long and whose tag needs no key (RFC 7714, 11). @throws RangeError unless 28 bytes. */
export function deriveAeadKeys(master: Uint8Array, kind: 'rtp' | 'rtcp'): AeadKeys {
  if (master.length !== MASTER_KEY_BYTES + AEAD_SALT_BYTES)
    throw new RangeError(`an SRTP key for AES-GCM has 28 bytes, this one ${master.length}`);
  const source = new AesCounter(master.subarray(0, MASTER_KEY_BYTES));
  const salt = master.subarray(MASTER_KEY_BYTES);
  const labels = LABELS[kind];
  return {
    key: createSecretKey(derive(source, salt, { label: labels.cipher, length: MASTER_KEY_BYTES })),
    salt: derive(source, salt, { label: labels.salt, length: AEAD_SALT_BYTES }),
  };
}

function derive(
  source: AesCounter,
  salt: Uint8Array,
  { label, length }: { label: number; length: number },
): Uint8Array {
  const iv = new Uint8Array(BLOCK_BYTES);
  iv.set(salt);
  iv[7] = (iv[7] as number) ^ label;
  const bytes = new Uint8Array(length);
  source.apply(bytes, 0, length, iv);
  return bytes;
}

/**
 * AES in counter mode (4.1.1) on one cipher object for the life of a key: the counter blocks are encrypted in ECB mode, which gives
 * the key stream; a cipher object made for each packet costs three times as much.
 */
export class AesCounter {
  readonly #ecb: Cipheriv;
  readonly #blocks = Buffer.alloc(MAX_BLOCKS * BLOCK_BYTES);

  constructor(key: Uint8Array) {
    this.#ecb = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  }

  /** XORs `bytes[start, end)` with the key stream of `iv` (16 bytes, its last two zero). At most 2 KiB. */
  apply(bytes: Uint8Array, start: number, end: number, iv: Uint8Array): void {
    const count = Math.ceil((end - start) / BLOCK_BYTES);
    if (count > MAX_BLOCKS) throw new RangeError('over 2 KiB in one packet');
    const blocks = this.#blocks;
    for (let block = 0; block < count; block++) {
      blocks.set(iv, block * BLOCK_BYTES);
      blocks[block * BLOCK_BYTES + 15] = block;
    }
    const stream = this.#ecb.update(blocks.subarray(0, count * BLOCK_BYTES));
    for (let i = start; i < end; i++) bytes[i] = (bytes[i] as number) ^ (stream[i - start] as number);
  }
}

/** IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16) (4.1.1); `index` below 2^48. */
export function writeIv(iv: Uint8Array, salt: Uint8Array, ssrc: number, index: number): void {
  for (let i = 0; i < 14; i++) iv[i] = salt[i] as number;
  for (let i = 0; i < 4; i++) iv[4 + i] = (iv[4 + i] as number) ^ ((ssrc >>> (24 - 8 * i)) & 0xff);
  const high = Math.floor(index / 2 ** 32);
  iv[8] = (iv[8] as number) ^ (high >>> 8);
  iv[9] = (iv[9] as number) ^ (high & 0xff);
  for (let i = 0; i < 4; i++) iv[10 + i] = (iv[10 + i] as number) ^ ((index >>> (24 - 8 * i)) & 0xff);
}
