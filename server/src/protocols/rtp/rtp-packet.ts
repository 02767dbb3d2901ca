/**
 * RTP packets (RFC 3550, 5.1):
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   0 |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   4 |                           timestamp                           |
 *   8 |           synchronization source (SSRC) identifier            |
 *     +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 *  12 |            contributing sources (CC of them, 4 bytes each)    |
 *     |  when X: profile id (16), length in words (16), that many words |
 *     |  payload ...                  when P: padding, its length last |
 *
 * The hot path: nothing here allocates after construction.
 */
export const RTP_HEADER_BYTES = 12;

/** One packet as it was last parsed; make one per stream and use it again for every packet. */
export class RtpView {
  marker = false;
  payloadType = 0;
  /** 16 bits. */
  sequence = 0;
  /** 32 bits, unsigned. */
  timestamp = 0;
  ssrc = 0;
  /** Offsets of the payload in the bytes last parsed. */
  payloadStart = 0;
  payloadEnd = 0;

  /** Reads a packet of `length` bytes; false, with the fields undefined, when it is none. Never throws. */
  parse(bytes: Uint8Array, length = bytes.length): boolean {
    if (length < RTP_HEADER_BYTES || (bytes[0] as number) >> 6 !== 2) return false;
    const flags = bytes[0] as number;
    let start = RTP_HEADER_BYTES + 4 * (flags & 0x0f);
    if ((flags & 0x10) !== 0) {
      if (start + 4 > length) return false;
      start += 4 + 4 * (((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number));
    }
    const padding = (flags & 0x20) !== 0 ? (bytes[length - 1] as number) : 0;
    const end = length - padding;
    if (start > end || ((flags & 0x20) !== 0 && padding === 0)) return false;
    this.marker = (bytes[1] as number) >> 7 === 1;
    this.payloadType = (bytes[1] as number) & 0x7f;
    this.sequence = ((bytes[2] as number) << 8) | (bytes[3] as number);
    this.timestamp = readUint32(bytes, 4);
    this.ssrc = readUint32(bytes, 8);
    this.payloadStart = start;
    this.payloadEnd = end;
    return true;
  }
}

/** Whether bytes on a shared port are RTCP (RFC 5761, 4): packet types 192-223, which as RTP would be payload types 64-95. */
export function isRtcp(bytes: Uint8Array): boolean {
  const type = bytes[1] ?? 0;
  return bytes.length >= 8 && (bytes[0] as number) >> 6 === 2 && type >= 192 && type <= 223;
}

/** Writes the 12 bytes of a header without sources or extension. */
export function writeRtpHeader(
  target: Uint8Array,
  header: { readonly payloadType: number; readonly ssrc: number },
): void {
  target[0] = 0x80;
  target[1] = header.payloadType;
  writeUint32(target, 8, header.ssrc);
  patchRtpHeader(target, 0, 0, false);
}

/** Changes what differs from packet to packet, in place. Sequence and timestamp are cut to their width. */
export function patchRtpHeader(target: Uint8Array, sequence: number, timestamp: number, marker: boolean): void {
  target[1] = ((target[1] as number) & 0x7f) | (marker ? 0x80 : 0);
  target[2] = sequence >> 8;
  target[3] = sequence;
  writeUint32(target, 4, timestamp);
}

/** Changes the payload type in place: a digit between audio. */
export function patchPayloadType(target: Uint8Array, payloadType: number): void {
  target[1] = ((target[1] as number) & 0x80) | payloadType;
}

/** Big-endian, unsigned. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

/** Big-endian; higher bits are dropped. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
