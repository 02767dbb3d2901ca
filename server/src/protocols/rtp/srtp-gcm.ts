import { createCipheriv, createDecipheriv } from 'node:crypto';
import { readUint32, writeUint32 } from './rtp-packet.ts';
import type { AeadKeys } from './srtp-keys.ts';
import { RTCP_ENCRYPTED, RTCP_HEADER_BYTES, RTCP_INDEX_BYTES, type SrtpTransform } from './srtp-transform.ts';

const CIPHER = 'aes-128-gcm';
export const GCM_TAG_BYTES = 16;
const IV_BYTES = 12;

/**
 * AEAD_AES_128_GCM (RFC 7714). The header is authenticated, the payload encrypted as well; the tag stands behind it. Node has no
 * cipher object that takes a second IV, so each packet makes one.
 */
export class GaloisCounterMode implements SrtpTransform {
  readonly tagBytes = GCM_TAG_BYTES;
  readonly rtcpOverheadBytes = GCM_TAG_BYTES + RTCP_INDEX_BYTES;
  readonly #rtp: AeadKeys;
  readonly #rtcp: AeadKeys;
  readonly #iv = new Uint8Array(IV_BYTES);

  /** Session keys, as `deriveAeadKeys` gives them. */
  constructor(rtp: AeadKeys, rtcp: AeadKeys) {
    this.#rtp = rtp;
    this.#rtcp = rtcp;
  }

  seal(bytes: Uint8Array, start: number, end: number, rollover: number): void {
    this.#writeIv(bytes, rollover);
    const cipher = createCipheriv(CIPHER, this.#rtp.key, this.#iv, { authTagLength: GCM_TAG_BYTES });
    cipher.setAAD(bytes.subarray(0, start));
    bytes.set(cipher.update(bytes.subarray(start, end)), start);
    cipher.final();
    bytes.set(cipher.getAuthTag(), end);
  }

  open(bytes: Uint8Array, start: number, end: number, rollover: number): boolean {
    this.#writeIv(bytes, rollover);
    const tag = bytes.subarray(end, end + GCM_TAG_BYTES);
    const plain = this.#opened(this.#rtp, { aad: bytes.subarray(0, start), sealed: bytes.subarray(start, end), tag });
    if (plain === null) return false;
    bytes.set(plain, start);
    return true;
  }

  /** header | encrypted | tag | E, index (9) */
  sealRtcp(packet: Uint8Array, index: number): Uint8Array {
    const bytes = new Uint8Array(packet.length + this.rtcpOverheadBytes);
    bytes.set(packet);
    writeUint32(bytes, bytes.length - RTCP_INDEX_BYTES, index + RTCP_ENCRYPTED);
    this.#writeRtcpIv(bytes, index);
    const cipher = createCipheriv(CIPHER, this.#rtcp.key, this.#iv, { authTagLength: GCM_TAG_BYTES });
    cipher.setAAD(withWord(bytes, RTCP_HEADER_BYTES));
    bytes.set(cipher.update(packet.subarray(RTCP_HEADER_BYTES)), RTCP_HEADER_BYTES);
    cipher.final();
    bytes.set(cipher.getAuthTag(), packet.length);
    return bytes;
  }

  rtcpWord(bytes: Uint8Array): number {
    return readUint32(bytes, bytes.length - RTCP_INDEX_BYTES);
  }

  openRtcp(bytes: Uint8Array): boolean {
    const word = this.rtcpWord(bytes);
    const end = bytes.length - this.rtcpOverheadBytes;
    // What is not encrypted is authenticated all the same (9.3).
    const start = word >= RTCP_ENCRYPTED ? RTCP_HEADER_BYTES : end;
    this.#writeRtcpIv(bytes, word % RTCP_ENCRYPTED);
    const tag = bytes.subarray(end, end + GCM_TAG_BYTES);
    const plain = this.#opened(this.#rtcp, { aad: withWord(bytes, start), sealed: bytes.subarray(start, end), tag });
    if (plain === null) return false;
    bytes.set(plain, start);
    return true;
  }

  #opened({ key }: AeadKeys, { aad, sealed, tag }: Sealed): Uint8Array | null {
    const cipher = createDecipheriv(CIPHER, key, this.#iv, { authTagLength: GCM_TAG_BYTES });
    cipher.setAAD(aad);
    cipher.setAuthTag(tag);
    const plain = cipher.update(sealed);
    try {
      cipher.final();
      return plain;
    } catch {
      return null;
    }
  }

  /** 00 00 | SSRC | rollover | sequence, XOR the salt (8.1). */
  #writeIv(bytes: Uint8Array, rollover: number): void {
    const iv = this.#iv.fill(0);
    iv.set(bytes.subarray(8, 12), 2);
    writeUint32(iv, 6, rollover);
    iv.set(bytes.subarray(2, 4), 10);
    xor(iv, this.#rtp.salt);
  }

  /** 00 00 | SSRC | 00 00 | index, XOR the salt (9.1). */
  #writeRtcpIv(bytes: Uint8Array, index: number): void {
    const iv = this.#iv.fill(0);
    iv.set(bytes.subarray(4, 8), 2);
    writeUint32(iv, 8, index);
    xor(iv, this.#rtcp.salt);
  }
}

type Sealed = { readonly aad: Uint8Array; readonly sealed: Uint8Array; readonly tag: Uint8Array };

/** The first bytes of an RTCP packet and the index word at its end: what its tag vouches for beside what is encrypted (9.2). */
function withWord(bytes: Uint8Array, length: number): Uint8Array {
  const aad = new Uint8Array(length + RTCP_INDEX_BYTES);
  aad.set(bytes.subarray(0, length));
  aad.set(bytes.subarray(bytes.length - RTCP_INDEX_BYTES), length);
  return aad;
}

function xor(iv: Uint8Array, salt: Uint8Array): void {
  for (let i = 0; i < IV_BYTES; i++) iv[i] = (iv[i] as number) ^ (salt[i] as number);
}
