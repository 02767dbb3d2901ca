import type { Random } from '../../core/ports/random.ts';
import type { ReceiverStatistics } from '../../protocols/rtp/receiver-statistics.ts';
import { RtcpSession, type SentStream } from '../../protocols/rtp/rtcp.ts';
import type { SrtpReceiver, SrtpSender } from '../../protocols/rtp/srtp.ts';

const CNAME_BYTES = 12;

export type ReportsStart = {
  readonly ssrc: number;
  readonly random: Random;
  readonly nowMs: number;
  /** Milliseconds since 1970 at the zero of `nowMs`. */
  readonly epochAtZeroMs: number;
};

/** What both streams of a report look like at its time. */
export type ReportedStreams = { readonly sent: SentStream; readonly received: ReceiverStatistics };

/** RTCP of a call: when a report is due, what is in it, what the peer's say. */
export class RtpReports {
  readonly #session: RtcpSession;
  readonly #epochAtZeroMs: number;
  #dueMs: number;
  srtpOut: SrtpSender | null = null;
  srtpIn: SrtpReceiver | null = null;

  constructor({ ssrc, random, nowMs, epochAtZeroMs }: ReportsStart) {
    const cname = Buffer.from(random.bytes(CNAME_BYTES)).toString('base64');
    this.#session = new RtcpSession({ ssrc, cname, below: (limit) => random.below(limit) });
    this.#epochAtZeroMs = epochAtZeroMs;
    this.#dueMs = nowMs + this.#session.nextIntervalMs();
  }

  /** What the peer reports of our stream. */
  get ofPeer(): RtcpSession['peerReport'] {
    return this.#session.peerReport;
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  /** The source we receive. */
  hear(ssrc: number): void {
    this.#session.remoteSsrc = ssrc;
  }

  /** The report of this interval; the next is due in about 5 s. */
  next({ sent, received }: ReportedStreams, nowMs: number): Uint8Array {
    this.#dueMs = nowMs + this.#session.nextIntervalMs();
    return this.#protect(this.#session.report(sent, received, this.#time(nowMs)));
  }

  /** The last one. */
  bye({ sent, received }: ReportedStreams, nowMs: number): Uint8Array {
    return this.#protect(this.#session.bye(sent, received, this.#time(nowMs)));
  }

  /** Reads what the peer sent; false when it cannot be read or is not the peer's. */
  receive(bytes: Uint8Array, nowMs: number): boolean {
    const opened = this.srtpIn?.unprotectRtcp(bytes);
    if (opened !== undefined && !opened.ok) return false;
    const plain = opened === undefined ? bytes : bytes.subarray(0, opened.length);
    return this.#session.receive(plain, nowMs) !== 'malformed';
  }

  #protect(packet: Uint8Array): Uint8Array {
    return this.srtpOut?.protectRtcp(packet) ?? packet;
  }

  #time(nowMs: number): { nowMs: number; epochMs: number } {
    return { nowMs, epochMs: this.#epochAtZeroMs + nowMs };
  }
}
