/** What an SDES suite does to packets, under one key: everything but the counting (RFC 3711, 3.2.3). */
export interface SrtpTransform {
  /** What an RTP packet grows by. */
  readonly tagBytes: number;
  /** What an RTCP packet grows by: tag and index. */
  readonly rtcpOverheadBytes: number;
  /**
   * Encrypts the payload `bytes[start, end)` of an RTP packet in place and writes its tag behind it. `rollover`: how often the
   * sequence number has wrapped.
   */
  seal(bytes: Uint8Array, start: number, end: number, rollover: number): void;
  /** Undoes it; false, and nothing is changed, when the tag behind `end` is wrong. */
  open(bytes: Uint8Array, start: number, end: number, rollover: number): boolean;
  /** A compound RTCP packet as it goes out, in a new array; `index` below 2^31. */
  sealRtcp(packet: Uint8Array, index: number): Uint8Array;
  /** The index word of an RTCP packet that came in, not proved yet: 31 bits of index, behind the bit that says "encrypted". */
  rtcpWord(bytes: Uint8Array): number;
  /** Undoes `sealRtcp` in place; false when the tag is wrong. */
  openRtcp(bytes: Uint8Array): boolean;
}

export const RTCP_HEADER_BYTES = 8;
export const RTCP_INDEX_BYTES = 4;
/** The bit that says that an RTCP packet is encrypted (3.4). */
export const RTCP_ENCRYPTED = 2 ** 31;
