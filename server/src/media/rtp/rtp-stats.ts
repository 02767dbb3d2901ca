import type { CodecName } from '../../protocols/sdp/codecs.ts';

/** What a call's streams were like: as of the last report (every 5 s), final once the media has ended. */
export type RtpStats = {
  readonly codec: CodecName;
  /** `address:port` that audio goes to; null while there is none. */
  readonly remote: string | null;
  /** The true source was proved, and others are kept out. */
  readonly isLatched: boolean;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  /** Came after their gap was given up. */
  readonly packetsLate: number;
  readonly packetsDuplicate: number;
  /** Frames made up for lost ones. */
  readonly concealedFrames: number;
  /** Of what we receive (RFC 3550, 6.4.1). */
  readonly jitterMs: number;
  /** What the peer reports; null when it never did. */
  readonly roundTripMs: number | null;
  readonly peerLossShare: number | null;
  readonly peerJitterMs: number | null;
  /** Packets of others, refused. */
  readonly strangers: number;
  /** Packets that are no RTP, of an unknown payload type, or, with SRTP, forged or repeated. */
  readonly refused: number;
  /** ICMP and the like. */
  readonly socketErrors: number;
};

/** Of a call whose media never began. */
export const NO_STATS: RtpStats = {
  codec: 'PCMU',
  remote: null,
  isLatched: false,
  packetsSent: 0,
  packetsReceived: 0,
  packetsLost: 0,
  packetsLate: 0,
  packetsDuplicate: 0,
  concealedFrames: 0,
  jitterMs: 0,
  roundTripMs: null,
  peerLossShare: null,
  peerJitterMs: null,
  strangers: 0,
  refused: 0,
  socketErrors: 0,
};
