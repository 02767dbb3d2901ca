import type { MediaEnd } from '../../core/ports/media-transport.ts';
import type { Random } from '../../core/ports/random.ts';
import { isRtcp, RtpView } from '../../protocols/rtp/rtp-packet.ts';
import { SrtpReceiver, SrtpSender } from '../../protocols/rtp/srtp.ts';
import { type AgreedMedia, isHeld } from '../../protocols/sdp/agreed-media.ts';
import type { CallMemory } from '../call-memory.ts';
import type { CallNumber } from '../call-number.ts';
import { CallerAudioWriter } from '../caller-audio.ts';
import { bump, COUNTER, type CounterMemory } from '../media-counters.ts';
import type { LegHost, MediaLeg } from '../media-leg.ts';
import { Playout } from '../playout.ts';
import type { DatagramSink, Endpoint } from '../udp/datagram-sink.ts';
import type { PacketPool } from './packet-pool.ts';
import { type PayloadCodec, payloadCodec } from './payload-codec.ts';
import { type InboundListener, RtpInbound } from './rtp-inbound.ts';
import { RtpOutbound } from './rtp-outbound.ts';
import { RtpReports } from './rtp-reports.ts';
import { RtpSource } from './rtp-source.ts';
import { NO_STATS, type RtpStats } from './rtp-stats.ts';
import { type SilenceLimits, SilenceWatch } from './silence-watch.ts';

/** What an RTP leg tells the plane it is on. */
export interface RtpLegHost extends Pick<LegHost, 'counters' | 'ring' | 'digit' | 'ended'> {
  /** The call has its memory: from now on it counts. */
  begun(leg: RtpLeg): void;
  held(leg: RtpLeg, isHeld: boolean): void;
  stats(leg: RtpLeg, stats: RtpStats): void;
}

export type RtpLegStart = {
  readonly host: RtpLegHost;
  readonly sink: DatagramSink;
  /** Of the thread: all calls write their packets into the same memory. */
  readonly packets: PacketPool;
  readonly random: Random;
  readonly limits: SilenceLimits;
  /** Milliseconds since 1970 at the zero of `nowMs`. */
  readonly epochAtZeroMs: number;
};

/** 100 ms: soon enough for reports, time-outs and a source that moves. */
const TURNS_BETWEEN_LOOKS = 5;

/** All that a call has once something was agreed on. */
type Stream = {
  readonly memory: CallMemory;
  readonly playout: Playout;
  readonly source: RtpSource;
  readonly watch: SilenceWatch;
  media: AgreedMedia;
  codec: PayloadCodec;
  outbound: RtpOutbound;
  inbound: RtpInbound;
  reports: RtpReports;
};

/**
 * One call over RTP. At first a pair of ports only; with `start` it has its turns: one packet every 20 ms, whatever there is to
 * say. It ends once, its peer told by RTCP BYE, and closes its sockets.
 */
export class RtpLeg implements MediaLeg, InboundListener {
  readonly call: CallNumber;
  readonly #start: RtpLegStart;
  readonly #counters: CounterMemory;
  readonly #view = new RtpView();
  #stream: Stream | null = null;
  #callerAudio: CallerAudioWriter | null = null;
  #isOver = false;
  #nowMs = 0;
  #turns = 0;
  #refused = 0;
  #socketErrors = 0;
  /** Who had our name. */
  #collidedWith: string | null = null;
  /** Of streams before this one, replaced when the codec's rate changed. */
  #earlierSent = 0;

  constructor(call: CallNumber, start: RtpLegStart) {
    this.call = call;
    this.#start = start;
    this.#counters = start.host.counters;
  }

  get remoteAddress(): string {
    return this.#stream?.media.remote.address ?? '';
  }

  get memory(): CallMemory | null {
    return this.#isOver ? null : (this.#stream?.memory ?? null);
  }

  /** Something was agreed on: packets flow. @param memory zeroed, of the rate the call shall have. */
  start(media: AgreedMedia, memory: CallMemory, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#isOver || this.#stream !== null) return;
    const codec = payloadCodec(media.codec.name);
    const playout = new Playout(memory, this.#counters, () => this.#start.host.ring(this));
    this.#callerAudio = new CallerAudioWriter(memory);
    const source = new RtpSource(this.#start.sink, media, nowMs);
    const watch = new SilenceWatch(this.#start.limits, nowMs);
    this.#stream = {
      ...this.#streams(media, codec, { memory, playout }),
      memory,
      playout,
      source,
      watch,
      media,
      codec,
    };
    this.#start.host.begun(this);
    this.#secure(this.#stream, undefined);
    this.#direct(this.#stream, false);
  }

  /** Something else was agreed on: another address, codec, direction, key. */
  update(media: AgreedMedia, nowMs: number): void {
    this.#nowMs = nowMs;
    const stream = this.#stream;
    if (this.#isOver || stream === null) return;
    const before = stream.media;
    const codec = before.codec.name === media.codec.name ? stream.codec : payloadCodec(media.codec.name);
    stream.media = media;
    stream.codec = codec;
    if (before.codec.clockRate === media.codec.clockRate && before.codec.sampleRate === media.codec.sampleRate) {
      stream.inbound.use(codec, media);
    } else {
      this.#earlierSent += stream.outbound.sent(nowMs).packets;
      Object.assign(stream, this.#streams(media, codec, stream));
    }
    this.#secure(stream, before.srtp);
    stream.source.update(media);
    this.#direct(stream, isHeld(before));
  }

  /** Sends keys, 0-9*#A-D. */
  sendDigits(digits: string): void {
    this.#stream?.outbound.sendDigits(digits);
  }

  /** A packet on the RTP port. */
  receiveRtp(bytes: Uint8Array, from: Endpoint, nowMs: number): void {
    this.#nowMs = nowMs;
    const stream = this.#stream;
    if (stream === null || this.#isOver) return;
    if (stream.media.hasRtcpMux && isRtcp(bytes)) {
      this.receiveRtcp(bytes, from, nowMs);
      return;
    }
    const length = this.#open(stream.reports.srtpIn, bytes);
    const view = this.#view;
    if (length < 0 || !view.parse(bytes, length) || !stream.inbound.knows(view.payloadType)) {
      this.#refuse();
      return;
    }
    if (!stream.source.accepts(from, view.ssrc, view.sequence, nowMs)) {
      bump(this.#counters, COUNTER.strangers);
      return;
    }
    bump(this.#counters, COUNTER.framesIn);
    stream.watch.heard(nowMs);
    stream.reports.hear(view.ssrc);
    if (view.ssrc === stream.outbound.ssrc) this.#collide(stream);
    stream.inbound.push(view, bytes, nowMs);
  }

  /** A packet on the RTCP port. */
  receiveRtcp(bytes: Uint8Array, from: Endpoint, nowMs: number): void {
    const stream = this.#stream;
    if (stream === null || this.#isOver) return;
    if (!stream.source.acceptsReport(from)) bump(this.#counters, COUNTER.strangers);
    else if (!stream.reports.receive(bytes, nowMs)) this.#refuse();
  }

  /** Nobody listens over there, or the network is down: it may be up again with the next packet. */
  socketError(): void {
    this.#socketErrors++;
    bump(this.#counters, COUNTER.socketErrors);
  }

  /** The signalling says it is over. */
  end(end: MediaEnd, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#finish(end);
  }

  /** Hangs up. */
  close(nowMs: number): void {
    this.end({ type: 'closed_by_us' }, nowMs);
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    const stream = this.#stream;
    if (stream === null || this.#isOver) return;
    stream.inbound.advanceTo(nowMs);
    this.#send(stream);
    if (++this.#turns % TURNS_BETWEEN_LOOKS === 0) this.#lookAfter(stream, nowMs);
  }

  /** What may wait: each look at a call is memory that has to be fetched. */
  #lookAfter(stream: Stream, nowMs: number): void {
    stream.source.advanceTo(nowMs);
    if (stream.reports.isDue(nowMs)) this.#report(stream);
    if (!stream.watch.isOver(nowMs)) return;
    this.#finish({ type: 'lost', detail: `the caller sent nothing for ${stream.watch.limitSeconds} s` });
  }

  /** The caller speaks; while we are held it is somebody's music. */
  audio(samples: Int16Array, count: number, nowMs: number): void {
    if (this.#stream === null || isHeld(this.#stream.media)) return;
    this.#callerAudio?.writeSamples(samples, count, nowMs);
    this.#start.host.ring(this);
  }

  digit(digit: string): void {
    this.#start.host.digit(this, digit);
  }

  /** The streams of a codec at the rate of the call's memory. */
  #streams(media: AgreedMedia, codec: PayloadCodec, { memory, playout }: { memory: CallMemory; playout: Playout }) {
    const { random, packets, epochAtZeroMs } = this.#start;
    const nowMs = this.#nowMs;
    const { sampleRate } = memory;
    const outbound = new RtpOutbound(playout, { codec, media, sampleRate, packets, random, nowMs });
    const inbound = new RtpInbound(this, { codec, media, sampleRate, seed: random.below(2 ** 32) });
    return { outbound, inbound, reports: new RtpReports({ ssrc: outbound.ssrc, random, nowMs, epochAtZeroMs }) };
  }

  /** A new key starts anew; the same one goes on: its packets count on from one another, and no key stream is used twice. */
  #secure(stream: Stream, before: AgreedMedia['srtp']): void {
    const { media, outbound, reports } = stream;
    const { srtp } = media;
    const isSameSuite = srtp?.suite === before?.suite;
    if (reports.srtpOut === null || !isSameSuite || !isSameKey(srtp?.localKey, before?.localKey)) {
      reports.srtpOut = srtp === undefined ? null : new SrtpSender(srtp.suite, srtp.localKey);
    }
    if (reports.srtpIn === null || !isSameSuite || !isSameKey(srtp?.remoteKey, before?.remoteKey)) {
      reports.srtpIn = srtp === undefined ? null : new SrtpReceiver(srtp.suite, srtp.remoteKey);
    }
    outbound.use(stream.codec, media, reports.srtpOut);
  }

  /** The peer has our name: we take another one, once. A peer that has that one too sends our own packets back (RFC 3550, 8.2). */
  #collide(stream: Stream): void {
    const { source, outbound, inbound, media } = stream;
    if (source.remote === this.#collidedWith) return;
    this.#collidedWith = source.remote;
    const sent = outbound.sent(this.#nowMs);
    this.#start.sink.sendRtcp(stream.reports.bye({ sent, received: inbound.statistics }, this.#nowMs));
    this.#earlierSent += sent.packets;
    outbound.changeSource();
    const { random, epochAtZeroMs } = this.#start;
    const reports = new RtpReports({ ssrc: outbound.ssrc, random, nowMs: this.#nowMs, epochAtZeroMs });
    reports.srtpIn = stream.reports.srtpIn;
    reports.srtpOut = media.srtp === undefined ? null : new SrtpSender(media.srtp.suite, media.srtp.localKey);
    stream.reports = reports;
    outbound.use(stream.codec, media, reports.srtpOut);
  }

  #direct(stream: Stream, wasHeld: boolean): void {
    const { direction } = stream.media;
    const isNowHeld = isHeld(stream.media);
    stream.watch.expect(direction === 'sendrecv', this.#nowMs);
    if (direction !== 'sendrecv') stream.inbound.rest();
    if (isNowHeld !== wasHeld) this.#start.host.held(this, isNowHeld);
  }

  /** One packet a turn, unless the peer wants none or has no address. */
  #send({ media, outbound, source }: Stream): void {
    if (isHeld(media) || !source.hasTarget) {
      outbound.pause();
      return;
    }
    if (!this.#start.sink.sendRtp(outbound.next(this.#nowMs))) outbound.kept();
    bump(this.#counters, COUNTER.framesOut);
    if (!outbound.hadAudio) bump(this.#counters, COUNTER.silenceOut);
  }

  #report(stream: Stream): void {
    const { outbound, inbound, reports } = stream;
    const sent = outbound.sent(this.#nowMs);
    this.#start.sink.sendRtcp(reports.next({ sent, received: inbound.statistics }, this.#nowMs));
    this.#start.host.stats(this, this.#stats(stream));
  }

  #open(srtp: SrtpReceiver | null, bytes: Uint8Array): number {
    if (srtp === null) return bytes.length;
    const opened = srtp.unprotect(bytes);
    return opened.ok ? opened.length : -1;
  }

  #refuse(): void {
    this.#refused++;
    bump(this.#counters, COUNTER.malformed);
  }

  #finish(end: MediaEnd): void {
    if (this.#isOver) return;
    const stream = this.#stream;
    if (stream !== null) {
      const sent = stream.outbound.sent(this.#nowMs);
      this.#start.sink.sendRtcp(stream.reports.bye({ sent, received: stream.inbound.statistics }, this.#nowMs));
      this.#start.host.stats(this, this.#stats(stream));
    }
    this.#isOver = true;
    this.#start.sink.close();
    if (stream !== null) this.#start.host.ended(this, end);
  }

  #stats({ media, source, outbound, inbound, reports }: Stream): RtpStats {
    const { received, lost, late, duplicates, concealedFrames, jitterMs } = inbound.totals;
    const { roundTripMs, lossShare, jitter } = reports.ofPeer;
    return {
      ...NO_STATS,
      codec: media.codec.name,
      remote: source.remote,
      isLatched: source.isLatched,
      packetsSent: this.#earlierSent + outbound.sent(this.#nowMs).packets,
      packetsReceived: received,
      packetsLost: lost,
      packetsLate: late,
      packetsDuplicate: duplicates,
      concealedFrames,
      jitterMs,
      roundTripMs: roundTripMs ?? null,
      peerLossShare: lossShare ?? null,
      peerJitterMs: jitter === undefined ? null : (jitter / media.codec.clockRate) * 1000,
      strangers: source.strangers,
      refused: this.#refused,
      socketErrors: this.#socketErrors,
    };
  }
}

function isSameKey(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
