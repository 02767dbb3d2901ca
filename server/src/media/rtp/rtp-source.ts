import { SourceLatch } from '../../protocols/rtp/source-latch.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import type { DatagramSink, Endpoint } from '../udp/datagram-sink.ts';

/** After so long without a packet the peer may go on from elsewhere: the latch judges who, the socket must let it in. */
const RELEARN_MS = 2000;

/** Where a call's audio comes from and goes to: to the signalled address at first, to the true source once it has proved itself. */
export class RtpSource {
  readonly #sink: DatagramSink;
  #latch: SourceLatch;
  #signalled: AgreedMedia['remote'];
  #hasRtcpMux: boolean;
  /** The proved source, and its name as the latch knows it. */
  #proved: Endpoint | null = null;
  #provedName = '';
  #rtcp: Endpoint | null = null;
  #isLocked = false;
  #heardMs: number;
  /** Packets of others. */
  strangers = 0;

  constructor(sink: DatagramSink, media: AgreedMedia, nowMs: number) {
    this.#sink = sink;
    this.#signalled = media.remote;
    this.#hasRtcpMux = media.hasRtcpMux;
    this.#latch = new SourceLatch(nameOf(media.remote));
    this.#heardMs = nowMs;
    this.#aim();
  }

  get isLatched(): boolean {
    return this.#proved !== null;
  }

  /** `address:port` that audio goes to. */
  get remote(): string | null {
    const target = this.#proved ?? usable(this.#signalled);
    return target === null ? null : nameOf(target);
  }

  /** Whether there is anybody to send to. */
  get hasTarget(): boolean {
    return this.#proved !== null || usable(this.#signalled) !== null;
  }

  /** Something new was agreed on: the source proves itself again. Where the peer's address stays, so does the one in use. */
  update(media: AgreedMedia): void {
    const { remote } = media;
    const isSame = remote.address === this.#signalled.address && remote.port === this.#signalled.port;
    this.#signalled = remote;
    this.#hasRtcpMux = media.hasRtcpMux;
    this.#latch = new SourceLatch(isSame && this.#proved !== null ? this.#provedName : nameOf(remote));
    if (!isSame) {
      this.#proved = null;
      this.#provedName = '';
      this.#rtcp = null;
    }
    this.#isLocked = false;
    this.#aim();
  }

  /** Whether a packet is the peer's. Once proved, the socket lets nobody else in. */
  accepts(from: Endpoint, ssrc: number, sequence: number, nowMs: number): boolean {
    const verdict = this.#latch.judge(this.#nameOf(from), ssrc, sequence, nowMs);
    if (verdict === 'stranger') {
      this.strangers++;
      return false;
    }
    this.#heardMs = nowMs;
    if (verdict === 'latched') this.#prove(from);
    else if (verdict === 'accepted' && !this.#isLocked) this.#lock();
    return true;
  }

  /** Whether an RTCP packet may be the peer's: from its machine. Its reports are answered where they come from. */
  acceptsReport(from: Endpoint): boolean {
    const machine = this.#proved ?? this.#signalled;
    if (from.address !== machine.address) return false;
    if (this.#proved === null || this.#hasRtcpMux || this.#rtcp?.port === from.port) return true;
    this.#rtcp = from;
    this.#aim();
    if (this.#isLocked) this.#sink.lock();
    return true;
  }

  /** Lets time pass: a silent peer may come back from elsewhere. */
  advanceTo(nowMs: number): void {
    if (!this.#isLocked || nowMs - this.#heardMs <= RELEARN_MS) return;
    this.#isLocked = false;
    this.#sink.unlock();
  }

  #prove({ address, port }: Endpoint): void {
    if (this.#proved?.address !== address) this.#rtcp = null;
    this.#proved = { address, port };
    this.#provedName = this.#latch.source ?? '';
    this.#aim();
    this.#lock();
  }

  #lock(): void {
    this.#isLocked = true;
    this.#sink.lock();
  }

  #aim(): void {
    const rtp = this.#proved ?? usable(this.#signalled);
    this.#sink.aim({ rtp, rtcp: this.#rtcp ?? this.#rtcpOf(rtp), hasRtcpMux: this.#hasRtcpMux });
  }

  /** What was signalled holds only for the machine that was signalled: behind a NAT the next port is the best guess. */
  #rtcpOf(rtp: Endpoint | null): Endpoint | null {
    if (rtp === null) return null;
    const { address, port, rtcpPort } = this.#signalled;
    const isSignalled = rtp.address === address && rtp.port === port;
    return { address: rtp.address, port: isSignalled ? rtcpPort : rtp.port + 1 };
  }

  /** Without making a text for each packet. */
  #nameOf(from: Endpoint): string {
    const proved = this.#proved;
    return proved?.port === from.port && proved.address === from.address ? this.#provedName : nameOf(from);
  }
}

function nameOf({ address, port }: Endpoint): string {
  return `${address}:${port}`;
}

/** A null address is the old way to hold; port 0 means no stream. */
function usable({ address, port }: AgreedMedia['remote']): Endpoint | null {
  return port === 0 || address === '0.0.0.0' || address === '::' ? null : { address, port };
}
