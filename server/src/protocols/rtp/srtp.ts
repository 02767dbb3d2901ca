import { createHmac, timingSafeEqual } from 'node:crypto';
import { RTP_HEADER_BYTES, RtpView, readUint32, writeUint32 } from './rtp-packet.ts';
import { deriveSessionKeys, type SessionKeys, writeIv } from './srtp-keys.ts';

/** Tag lengths of the suites (RFC 4568, 6.2). SRTCP always carries 10 bytes. */
export const SRTP_TAG_BYTES = { AES_CM_128_HMAC_SHA1_80: 10, AES_CM_128_HMAC_SHA1_32: 4 } as const;
export type SrtpSuiteName = keyof typeof SRTP_TAG_BYTES;

const RTCP_TAG_BYTES = 10;
const RTCP_HEADER_BYTES = 8;
const INDEX_BYTES = 4;
const SEQUENCES = 2 ** 16;
/** What the cipher takes at once; no telephone packet comes near. */
const MAX_PACKET_BYTES = 2048;

/** Room a packet needs behind its end for tag and SRTCP index. */
export const SRTP_OVERHEAD_BYTES = RTCP_TAG_BYTES + INDEX_BYTES;

/** What was read: the new length of the packet, or why it must be dropped. */
export type Unprotected = { ok: true; length: number } | { ok: false; reason: 'malformed' | 'replayed' | 'forged' };

/** Encrypts what we send (RFC 3711, 3.3), in place. One for each key and direction. */
export class SrtpSender {
  readonly #rtp: SessionKeys;
  readonly #rtcp: SessionKeys;
  readonly #tagBytes: number;
  readonly #iv = new Uint8Array(16);
  readonly #view = new RtpView();
  readonly #roc = new Uint8Array(4);
  #rollover = 0;
  #lastSequence = -1;
  #rtcpIndex = 0;

  constructor(suite: SrtpSuiteName, masterKey: Uint8Array) {
    this.#rtp = deriveSessionKeys(masterKey, 'rtp');
    this.#rtcp = deriveSessionKeys(masterKey, 'rtcp');
    this.#tagBytes = SRTP_TAG_BYTES[suite];
  }

  /** Protects the RTP packet in `bytes[0, length)`; the buffer must have room for the tag. Returns the new length, 0 for what is no
   * packet or over 2 KiB. Sequence numbers must rise. */
  protect(bytes: Uint8Array, length: number): number {
    if (length > MAX_PACKET_BYTES || !this.#view.parse(bytes, length)) return 0;
    const { sequence, ssrc, payloadStart } = this.#view;
    if (sequence < this.#lastSequence) this.#rollover++;
    this.#lastSequence = sequence;
    writeIv(this.#iv, this.#rtp.salt, ssrc, this.#rollover * SEQUENCES + sequence);
    this.#rtp.cipher.apply(bytes, payloadStart, length, this.#iv);
    writeUint32(this.#roc, 0, this.#rollover);
    const tag = createHmac('sha1', this.#rtp.authKey).update(bytes.subarray(0, length)).update(this.#roc).digest();
    bytes.set(tag.subarray(0, this.#tagBytes), length);
    return length + this.#tagBytes;
  }

  /** Protects a compound RTCP packet (3.4). Returns a new array. */
  protectRtcp(packet: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(packet.length + INDEX_BYTES + RTCP_TAG_BYTES);
    bytes.set(packet);
    this.#rtcpIndex = (this.#rtcpIndex + 1) % 2 ** 31;
    writeIv(this.#iv, this.#rtcp.salt, readUint32(bytes, 4), this.#rtcpIndex);
    this.#rtcp.cipher.apply(bytes, RTCP_HEADER_BYTES, packet.length, this.#iv);
    // The E bit says that it is encrypted.
    writeUint32(bytes, packet.length, this.#rtcpIndex + 2 ** 31);
    const signed = bytes.subarray(0, packet.length + INDEX_BYTES);
    bytes.set(
      createHmac('sha1', this.#rtcp.authKey).update(signed).digest().subarray(0, RTCP_TAG_BYTES),
      signed.length,
    );
    return bytes;
  }
}

/** Decrypts what we receive, in place: tag first, then replay, then the cipher (3.3). */
export class SrtpReceiver {
  readonly #rtp: SessionKeys;
  readonly #rtcp: SessionKeys;
  readonly #tagBytes: number;
  readonly #iv = new Uint8Array(16);
  readonly #roc = new Uint8Array(4);
  readonly #seen = new ReplayWindow();
  readonly #seenRtcp = new ReplayWindow();
  #ssrc: number | undefined;
  #highest = -1;

  constructor(suite: SrtpSuiteName, masterKey: Uint8Array) {
    this.#rtp = deriveSessionKeys(masterKey, 'rtp');
    this.#rtcp = deriveSessionKeys(masterKey, 'rtcp');
    this.#tagBytes = SRTP_TAG_BYTES[suite];
  }

  /** Opens the packet in `bytes[0, length)`. */
  unprotect(bytes: Uint8Array, length = bytes.length): Unprotected {
    const end = length - this.#tagBytes;
    if (end < RTP_HEADER_BYTES || end > MAX_PACKET_BYTES || (bytes[0] as number) >> 6 !== 2) return MALFORMED;
    const sequence = ((bytes[2] as number) << 8) | (bytes[3] as number);
    const ssrc = readUint32(bytes, 8);
    const isNewSource = ssrc !== this.#ssrc;
    const index = isNewSource ? sequence : this.#guessIndex(sequence);
    if (!isNewSource && this.#seen.has(index)) return REPLAYED;
    writeUint32(this.#roc, 0, Math.floor(index / SEQUENCES));
    const tag = createHmac('sha1', this.#rtp.authKey).update(bytes.subarray(0, end)).update(this.#roc).digest();
    if (!timingSafeEqual(tag.subarray(0, this.#tagBytes), bytes.subarray(end, length))) return FORGED;
    const start = payloadStart(bytes, end);
    if (start < 0) return MALFORMED;
    if (isNewSource) this.#restart(ssrc);
    this.#seen.add(index);
    this.#highest = Math.max(this.#highest, index);
    writeIv(this.#iv, this.#rtp.salt, ssrc, index);
    this.#rtp.cipher.apply(bytes, start, end, this.#iv);
    return { ok: true, length: end };
  }

  /** Opens a compound RTCP packet (3.4). */
  unprotectRtcp(bytes: Uint8Array): Unprotected {
    const signedEnd = bytes.length - RTCP_TAG_BYTES;
    const end = signedEnd - INDEX_BYTES;
    if (end < RTCP_HEADER_BYTES || end > MAX_PACKET_BYTES) return MALFORMED;
    const tag = createHmac('sha1', this.#rtcp.authKey).update(bytes.subarray(0, signedEnd)).digest();
    if (!timingSafeEqual(tag.subarray(0, RTCP_TAG_BYTES), bytes.subarray(signedEnd))) return FORGED;
    const word = readUint32(bytes, end);
    const index = word % 2 ** 31;
    if (this.#seenRtcp.has(index)) return REPLAYED;
    this.#seenRtcp.add(index);
    if (word >= 2 ** 31) {
      writeIv(this.#iv, this.#rtcp.salt, readUint32(bytes, 4), index);
      this.#rtcp.cipher.apply(bytes, RTCP_HEADER_BYTES, end, this.#iv);
    }
    return { ok: true, length: end };
  }

  /** RFC 3711, appendix A: the index nearest to the highest one seen. */
  #guessIndex(sequence: number): number {
    const rollover = Math.floor(this.#highest / SEQUENCES);
    const last = this.#highest % SEQUENCES;
    if (last < SEQUENCES / 2)
      return sequence - last > SEQUENCES / 2 && rollover > 0
        ? (rollover - 1) * SEQUENCES + sequence
        : rollover * SEQUENCES + sequence;
    return last - SEQUENCES / 2 > sequence ? (rollover + 1) * SEQUENCES + sequence : rollover * SEQUENCES + sequence;
  }

  #restart(ssrc: number): void {
    this.#ssrc = ssrc;
    this.#highest = -1;
    this.#seen.clear();
  }
}

const MALFORMED: Unprotected = { ok: false, reason: 'malformed' };
const REPLAYED: Unprotected = { ok: false, reason: 'replayed' };
const FORGED: Unprotected = { ok: false, reason: 'forged' };

function payloadStart(bytes: Uint8Array, end: number): number {
  const flags = bytes[0] as number;
  let start = RTP_HEADER_BYTES + 4 * (flags & 0x0f);
  if ((flags & 0x10) !== 0) start += 4 + 4 * (((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number));
  return start <= end ? start : -1;
}

/** The last 64 indices (3.3.2): an older one counts as seen. */
class ReplayWindow {
  readonly #indices = new Float64Array(64).fill(-1);
  #highest = -1;

  has(index: number): boolean {
    return index <= this.#highest - 64 || this.#indices[index % 64] === index;
  }

  add(index: number): void {
    this.#indices[index % 64] = index;
    if (index > this.#highest) this.#highest = index;
  }

  clear(): void {
    this.#indices.fill(-1);
    this.#highest = -1;
  }
}
