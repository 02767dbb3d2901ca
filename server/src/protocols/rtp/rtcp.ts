import { packets } from 'rtp.js';
import type { ReceiverStatistics } from './receiver-statistics.ts';

/** Seconds between 1900, where NTP begins, and 1970. */
const NTP_EPOCH_SECONDS = 2_208_988_800;
const INTERVAL_MS = 5000;
/** SDES item type (6.5.1); rtp.js keeps its table to itself. */
const CNAME = 1;

/** What we say of a stream we send. */
export type SentStream = { readonly packets: number; readonly octets: number; readonly timestamp: number };

export type RtcpOptions = {
  readonly ssrc: number;
  /** Random, and no name of a person (RFC 7022). */
  readonly cname: string;
  /** 0 <= n < limit. */
  readonly below: (limit: number) => number;
};

/**
 * RTCP of one call (RFC 3550, 6): a report and the CNAME about every 5 s, BYE at the end, and what the peer's reports tell of the
 * round trip. Not for the frame's path: a few packets a minute.
 */
export class RtcpSession {
  readonly #options: RtcpOptions;
  #remoteSsrc: number | undefined;
  #lastSenderReport: { readonly middle: number; readonly atMs: number } | undefined;
  #roundTripMs: number | undefined;
  #remoteLoss: number | undefined;
  #remoteJitter: number | undefined;

  constructor(options: RtcpOptions) {
    this.#options = options;
  }

  /** What the peer reports of our stream; undefined until it has. `lossShare` 0-1, `jitter` in timestamp units. */
  get peerReport(): {
    readonly roundTripMs: number | undefined;
    readonly lossShare: number | undefined;
    readonly jitter: number | undefined;
  } {
    return { roundTripMs: this.#roundTripMs, lossShare: this.#remoteLoss, jitter: this.#remoteJitter };
  }

  /** The source whose packets arrive. */
  set remoteSsrc(ssrc: number) {
    this.#remoteSsrc = ssrc;
  }

  /** How long to wait for the next report: 5 s, at random between half and one and a half (6.3.1). */
  nextIntervalMs(): number {
    return INTERVAL_MS / 2 + this.#options.below(INTERVAL_MS + 1);
  }

  /** A compound packet: SR when something was sent, else RR; then SDES. `epochMs` is the wall clock, `nowMs` the monotonic one. */
  report(
    sent: SentStream,
    received: ReceiverStatistics,
    time: { readonly nowMs: number; readonly epochMs: number },
  ): Uint8Array {
    const compound = new packets.CompoundPacket();
    compound.addPacket(
      sent.packets > 0 ? this.#senderReport(sent, received, time) : this.#receiverReport(received, time.nowMs),
    );
    compound.addPacket(this.#description());
    return bytesOf(compound);
  }

  /** The last packet of the stream: a report, SDES and BYE (6.6). */
  bye(
    sent: SentStream,
    received: ReceiverStatistics,
    time: { readonly nowMs: number; readonly epochMs: number },
  ): Uint8Array {
    const compound = new packets.CompoundPacket();
    compound.addPacket(
      sent.packets > 0 ? this.#senderReport(sent, received, time) : this.#receiverReport(received, time.nowMs),
    );
    compound.addPacket(this.#description());
    const bye = new packets.ByePacket();
    bye.addSsrc(this.#options.ssrc);
    compound.addPacket(bye);
    return bytesOf(compound);
  }

  /** Reads what the peer sent; 'bye' when it says goodbye, 'malformed' when it cannot be read. Never throws. */
  receive(bytes: Uint8Array, nowMs: number): 'report' | 'bye' | 'malformed' {
    let compound: packets.CompoundPacket;
    try {
      compound = new packets.CompoundPacket(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch {
      return 'malformed';
    }
    let outcome: 'report' | 'bye' = 'report';
    for (const packet of compound.getPackets()) {
      if (packet instanceof packets.SenderReportPacket) {
        this.#lastSenderReport = { middle: middle32(packet.getNtpSeconds(), packet.getNtpFraction()), atMs: nowMs };
        this.#readReports(packet.getReports(), nowMs);
      } else if (packet instanceof packets.ReceiverReportPacket) this.#readReports(packet.getReports(), nowMs);
      else if (packet instanceof packets.ByePacket && this.#isOfPeer(packet.getSsrcs())) outcome = 'bye';
    }
    return outcome;
  }

  #isOfPeer(ssrcs: readonly number[]): boolean {
    return this.#remoteSsrc === undefined || ssrcs.includes(this.#remoteSsrc);
  }

  /** 6.4.1: round trip = arrival - LSR - DLSR, all in 1/65536 s of our own clock. */
  #readReports(reports: readonly packets.ReceptionReport[], nowMs: number): void {
    for (const report of reports) {
      if (report.getSsrc() !== this.#options.ssrc) continue;
      this.#remoteLoss = report.getFractionLost() / 256;
      this.#remoteJitter = report.getJitter();
      const sentAtMs = this.#sentAt(report.getLastSRTimestamp());
      if (sentAtMs === undefined) continue;
      this.#roundTripMs = Math.max(0, nowMs - sentAtMs - (report.getDelaySinceLastSR() / 65_536) * 1000);
    }
  }

  #newestReport: { readonly middle: number; readonly atMs: number } | undefined;

  /** When the sender report a peer names was sent; only the newest is remembered. */
  #sentAt(middle: number): number | undefined {
    return this.#newestReport?.middle === middle ? this.#newestReport.atMs : undefined;
  }

  #senderReport(
    sent: SentStream,
    received: ReceiverStatistics,
    time: { readonly nowMs: number; readonly epochMs: number },
  ) {
    const seconds = Math.floor(time.epochMs / 1000) + NTP_EPOCH_SECONDS;
    const fraction = Math.floor(((time.epochMs % 1000) / 1000) * 2 ** 32);
    this.#newestReport = { middle: middle32(seconds, fraction), atMs: time.nowMs };
    const report = new packets.SenderReportPacket();
    report.setSsrc(this.#options.ssrc);
    report.setNtpSeconds(seconds >>> 0);
    report.setNtpFraction(fraction);
    report.setRtpTimestamp(sent.timestamp >>> 0);
    report.setPacketCount(sent.packets >>> 0);
    report.setOctetCount(sent.octets >>> 0);
    for (const block of this.#reception(received, time.nowMs)) report.addReport(block);
    return report;
  }

  #receiverReport(received: ReceiverStatistics, nowMs: number) {
    const report = new packets.ReceiverReportPacket();
    report.setSsrc(this.#options.ssrc);
    for (const block of this.#reception(received, nowMs)) report.addReport(block);
    return report;
  }

  #reception(received: ReceiverStatistics, nowMs: number): packets.ReceptionReport[] {
    if (this.#remoteSsrc === undefined || received.received === 0) return [];
    const block = new packets.ReceptionReport();
    block.setSsrc(this.#remoteSsrc);
    block.setFractionLost(received.takeFractionLost());
    block.setTotalLost(Math.max(-0x80_0000, Math.min(received.lost, 0x7f_ffff)));
    block.setHighestSeqNumber(received.extendedHighest);
    block.setJitter(received.jitter);
    block.setLastSRTimestamp(this.#lastSenderReport?.middle ?? 0);
    const sinceMs = this.#lastSenderReport ? nowMs - this.#lastSenderReport.atMs : 0;
    block.setDelaySinceLastSR(Math.round((sinceMs / 1000) * 65_536) >>> 0);
    return [block];
  }

  #description() {
    const chunk = new packets.SdesChunk();
    chunk.setSsrc(this.#options.ssrc);
    chunk.addItem(CNAME, this.#options.cname);
    const description = new packets.SdesPacket();
    description.addChunk(chunk);
    return description;
  }
}

/** The middle 32 bits of an NTP timestamp: how reports name a sender report. */
function middle32(seconds: number, fraction: number): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
}

function bytesOf(compound: packets.CompoundPacket): Uint8Array {
  compound.serialize();
  const view = compound.getView();
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
