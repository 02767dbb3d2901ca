import { RTP_HEADER_BYTES, RtpView, readUint32 } from './rtp-packet.ts';
import { CounterMode } from './srtp-counter-mode.ts';
import { GaloisCounterMode, GCM_TAG_BYTES } from './srtp-gcm.ts';
import { deriveAeadKeys } from './srtp-keys.ts';
import { RTCP_ENCRYPTED, RTCP_HEADER_BYTES, RTCP_INDEX_BYTES, type SrtpTransform } from './srtp-transform.ts';

/** Tag lengths of the suites (RFC 4568, 6.2; RFC 7714, 12). */
export const SRTP_TAG_BYTES = {
  AES_CM_128_HMAC_SHA1_80: 10,
  AES_CM_128_HMAC_SHA1_32: 4,
  AEAD_AES_128_GCM: GCM_TAG_BYTES,
} as const;
export type SrtpSuiteName = keyof typeof SRTP_TAG_BYTES;

const SEQUENCES = 2 ** 16;
/** What the cipher takes at once; no telephone packet comes near. */
const MAX_PACKET_BYTES = 2048;

/** Room a packet needs behind its end for tag and SRTCP index, with any suite. */
export const SRTP_OVERHEAD_BYTES = GCM_TAG_BYTES + RTCP_INDEX_BYTES;

/** What was read: the new length of the packet, or why it must be dropped. */
export type Unprotected = { ok: true; length: number } | { ok: false; reason: 'malformed' | 'replayed' | 'forged' };

/** @throws RangeError for a master key and salt of another length than the suite's: 30 bytes, 28 for AES-GCM. */
function transformOf(suite: SrtpSuiteName, masterKey: Uint8Array): SrtpTransform {
  return suite === 'AEAD_AES_128_GCM'
    ? new GaloisCounterMode(deriveAeadKeys(masterKey, 'rtp'), deriveAeadKeys(masterKey, 'rtcp'))
    : new CounterMode(masterKey, SRTP_TAG_BYTES[suite]);
}

/** Encrypts what we send (RFC 3711, 3.3), in place. One for each key and direction. */
export class SrtpSender {
  readonly #transform: SrtpTransform;
  readonly #view = new RtpView();
  #rollover = 0;
  #lastSequence = -1;
  #rtcpIndex = 0;

  constructor(suite: SrtpSuiteName, masterKey: Uint8Array) {
    this.#transform = transformOf(suite, masterKey);
  }

  /** Protects the RTP packet in `bytes[0, length)`; the buffer must have room for the tag. Returns the new length, 0 for what is no
   * packet or over 2 KiB. Sequence numbers must rise. */
  protect(bytes: Uint8Array, length: number): number {
    if (length > MAX_PACKET_BYTES || !this.#view.parse(bytes, length)) return 0;
    const { sequence, payloadStart } = this.#view;
    if (sequence < this.#lastSequence) this.#rollover++;
    this.#lastSequence = sequence;
    this.#transform.seal(bytes, payloadStart, length, this.#rollover);
    return length + this.#transform.tagBytes;
  }

  /** Protects a compound RTCP packet (3.4). Returns a new array. */
  protectRtcp(packet: Uint8Array): Uint8Array {
    this.#rtcpIndex = (this.#rtcpIndex + 1) % RTCP_ENCRYPTED;
    return this.#transform.sealRtcp(packet, this.#rtcpIndex);
  }
}

/** Decrypts what we receive, in place: nothing is believed, and no state changes, before the tag has proved it (3.3). */
export class SrtpReceiver {
  readonly #transform: SrtpTransform;
  readonly #seen = new ReplayWindow();
  readonly #seenRtcp = new ReplayWindow();
  #ssrc: number | undefined;
  #highest = -1;

  constructor(suite: SrtpSuiteName, masterKey: Uint8Array) {
    this.#transform = transformOf(suite, masterKey);
  }

  /** Opens the packet in `bytes[0, length)`. */
  unprotect(bytes: Uint8Array, length = bytes.length): Unprotected {
    const end = length - this.#transform.tagBytes;
    if (end < RTP_HEADER_BYTES || end > MAX_PACKET_BYTES || (bytes[0] as number) >> 6 !== 2) return MALFORMED;
    const sequence = ((bytes[2] as number) << 8) | (bytes[3] as number);
    const ssrc = readUint32(bytes, 8);
    const isNewSource = ssrc !== this.#ssrc;
    const index = isNewSource ? sequence : this.#guessIndex(sequence);
    if (!isNewSource && this.#seen.has(index)) return REPLAYED;
    const start = payloadStart(bytes, end);
    if (start < 0) return MALFORMED;
    if (!this.#transform.open(bytes, start, end, Math.floor(index / SEQUENCES))) return FORGED;
    if (isNewSource) this.#restart(ssrc);
    this.#seen.add(index);
    this.#highest = Math.max(this.#highest, index);
    return { ok: true, length: end };
  }

  /** Opens a compound RTCP packet (3.4). */
  unprotectRtcp(bytes: Uint8Array): Unprotected {
    const end = bytes.length - this.#transform.rtcpOverheadBytes;
    if (end < RTCP_HEADER_BYTES || end > MAX_PACKET_BYTES) return MALFORMED;
    const index = this.#transform.rtcpWord(bytes) % RTCP_ENCRYPTED;
    if (this.#seenRtcp.has(index)) return REPLAYED;
    if (!this.#transform.openRtcp(bytes)) return FORGED;
    this.#seenRtcp.add(index);
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
