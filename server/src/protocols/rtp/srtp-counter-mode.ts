import { createHmac, timingSafeEqual } from 'node:crypto';
import { readUint32, writeUint32 } from './rtp-packet.ts';
import { deriveSessionKeys, type SessionKeys, writeIv } from './srtp-keys.ts';
import { RTCP_ENCRYPTED, RTCP_HEADER_BYTES, RTCP_INDEX_BYTES, type SrtpTransform } from './srtp-transform.ts';

/** SRTCP carries a long tag, whatever the suite (RFC 4568, 6.2). */
const RTCP_TAG_BYTES = 10;
const SEQUENCES = 2 ** 16;

/** AES in counter mode and a tag by HMAC-SHA1 (RFC 3711, 4). */
export class CounterMode implements SrtpTransform {
  readonly tagBytes: number;
  readonly rtcpOverheadBytes = RTCP_INDEX_BYTES + RTCP_TAG_BYTES;
  readonly #rtp: SessionKeys;
  readonly #rtcp: SessionKeys;
  readonly #iv = new Uint8Array(16);
  readonly #roc = new Uint8Array(4);

  constructor(masterKey: Uint8Array, tagBytes: number) {
    this.tagBytes = tagBytes;
    this.#rtp = deriveSessionKeys(masterKey, 'rtp');
    this.#rtcp = deriveSessionKeys(masterKey, 'rtcp');
  }

  seal(bytes: Uint8Array, start: number, end: number, rollover: number): void {
    this.#crypt(bytes, start, end, rollover);
    bytes.set(this.#tagOf(bytes, end, rollover), end);
  }

  open(bytes: Uint8Array, start: number, end: number, rollover: number): boolean {
    const tag = bytes.subarray(end, end + this.tagBytes);
    if (!timingSafeEqual(this.#tagOf(bytes, end, rollover), tag)) return false;
    this.#crypt(bytes, start, end, rollover);
    return true;
  }

  /** header | encrypted | E, index | tag */
  sealRtcp(packet: Uint8Array, index: number): Uint8Array {
    const bytes = new Uint8Array(packet.length + this.rtcpOverheadBytes);
    bytes.set(packet);
    this.#cryptRtcp(bytes, packet.length, index);
    writeUint32(bytes, packet.length, index + RTCP_ENCRYPTED);
    bytes.set(this.#rtcpTagOf(bytes), bytes.length - RTCP_TAG_BYTES);
    return bytes;
  }

  rtcpWord(bytes: Uint8Array): number {
    return readUint32(bytes, bytes.length - this.rtcpOverheadBytes);
  }

  openRtcp(bytes: Uint8Array): boolean {
    if (!timingSafeEqual(this.#rtcpTagOf(bytes), bytes.subarray(bytes.length - RTCP_TAG_BYTES))) return false;
    const word = this.rtcpWord(bytes);
    if (word >= RTCP_ENCRYPTED) this.#cryptRtcp(bytes, bytes.length - this.rtcpOverheadBytes, word - RTCP_ENCRYPTED);
    return true;
  }

  #crypt(bytes: Uint8Array, start: number, end: number, rollover: number): void {
    const sequence = ((bytes[2] as number) << 8) | (bytes[3] as number);
    writeIv(this.#iv, this.#rtp.salt, readUint32(bytes, 8), rollover * SEQUENCES + sequence);
    this.#rtp.cipher.apply(bytes, start, end, this.#iv);
  }

  #tagOf(bytes: Uint8Array, end: number, rollover: number): Uint8Array {
    writeUint32(this.#roc, 0, rollover);
    const tag = createHmac('sha1', this.#rtp.authKey).update(bytes.subarray(0, end)).update(this.#roc).digest();
    return tag.subarray(0, this.tagBytes);
  }

  #cryptRtcp(bytes: Uint8Array, end: number, index: number): void {
    writeIv(this.#iv, this.#rtcp.salt, readUint32(bytes, 4), index);
    this.#rtcp.cipher.apply(bytes, RTCP_HEADER_BYTES, end, this.#iv);
  }

  #rtcpTagOf(bytes: Uint8Array): Uint8Array {
    const signed = bytes.subarray(0, bytes.length - RTCP_TAG_BYTES);
    return createHmac('sha1', this.#rtcp.authKey).update(signed).digest().subarray(0, RTCP_TAG_BYTES);
  }
}
