import { DtmfDetector } from '../../audio/dtmf-detector.ts';
import { Resampler } from '../../audio/resampler.ts';
import { FRAME_MS, samplesPerFrame } from '../../core/audio-frame.ts';
import { ComfortNoise, readNoiseLevel } from '../../protocols/rtp/comfort-noise.ts';
import { ReceiverStatistics } from '../../protocols/rtp/receiver-statistics.ts';
import { type ArrivedPacket, ReorderBuffer } from '../../protocols/rtp/reorder-buffer.ts';
import type { RtpView } from '../../protocols/rtp/rtp-packet.ts';
import { type EventPacket, TelephoneEventReceiver } from '../../protocols/rtp/telephone-event.ts';
import { Unwrapper } from '../../protocols/rtp/unwrap.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import { CONCEALED_FRAMES, LossConcealer } from './loss-concealer.ts';
import { type PayloadCodec, staticCodec } from './payload-codec.ts';

/**
 * No audio for so long is a hole that is filled by the clock, so that whoever measures time by frames goes on. Longer than the
 * loss of three packets takes to show: those are made up for.
 */
const HOLE_MS = 100;
/** The longest loss whose time is made up. */
const MAX_FILLED_FRAMES = 50;
/** Packets that wait for a missing one are fewer than this. */
const REMEMBERED_TYPES = 64;

/** Who hears the caller. */
export interface InboundListener {
  /** At the rate of the call; valid during the call only. */
  audio(samples: Int16Array, count: number, nowMs: number): void;
  digit(digit: string): void;
}

export type InboundStart = {
  readonly codec: PayloadCodec;
  readonly media: AgreedMedia;
  /** Hz, of the call's memory. */
  readonly sampleRate: number;
  readonly seed: number;
};

/** What became of what the peer sent. */
export type InboundTotals = {
  readonly received: number;
  readonly lost: number;
  readonly late: number;
  readonly duplicates: number;
  readonly concealedFrames: number;
  readonly jitterMs: number;
};

/**
 * The stream from a peer, once its packets are known to be the peer's: puts them in order, tells audio from keys and noise, fills
 * what is lost. In order, each goes on at once. Nothing is allocated for a packet.
 */
export class RtpInbound {
  statistics: ReceiverStatistics;
  readonly #listener: InboundListener;
  readonly #clockRate: number;
  readonly #reorder: ReorderBuffer;
  readonly #events: TelephoneEventReceiver;
  readonly #noise: ComfortNoise;
  readonly #concealer: LossConcealer;
  readonly #sequences = new Unwrapper(16);
  readonly #timestamps = new Unwrapper(32);
  readonly #types = new Uint8Array(REMEMBERED_TYPES);
  readonly #arrived: ArrivedPacket = { bytes: new Uint8Array(0), start: 0, end: 0, sequence: 0, timestamp: 0 };
  readonly #event: EventPacket = { bytes: new Uint8Array(0), start: 0, end: 0, timestamp: 0, ssrc: 0 };
  readonly #resampler: Resampler | null;
  #resampled: Int16Array;
  #codec: PayloadCodec;
  #media: AgreedMedia;
  #detector: DtmfDetector | null = null;
  #samples: Int16Array;
  /** The same memory, as long as the last packet was. */
  #view: Int16Array;
  readonly #made: Int16Array;
  #ssrc = -1;
  #noiseDb: number | undefined;
  #nowMs = 0;
  #newestTimestamp = 0;
  #newestMs = 0;
  /** When the newest audio was handed on; NaN before the first. */
  #audioMs = Number.NaN;
  #filledFrames = 0;
  #concealedFrames = 0;
  /** Of sources before this one. */
  #earlierReceived = 0;
  #earlierLost = 0;

  constructor(listener: InboundListener, { codec, media, sampleRate, seed }: InboundStart) {
    this.#listener = listener;
    this.#codec = codec;
    this.#media = media;
    this.#clockRate = media.codec.clockRate;
    this.statistics = new ReceiverStatistics(this.#clockRate);
    this.#reorder = new ReorderBuffer(this.#clockRate, {
      packet: (bytes, start, end, sequence) => this.#inOrder(bytes, start, end, sequence),
      lost: (count) => this.#lost(count),
    });
    this.#events = new TelephoneEventReceiver(this.#clockRate, (digit) => listener.digit(digit));
    this.#noise = new ComfortNoise(seed);
    this.#concealer = new LossConcealer(codec.sampleRate);
    this.#made = new Int16Array(samplesPerFrame(codec.sampleRate));
    this.#samples = new Int16Array(samplesPerFrame(codec.sampleRate));
    this.#view = this.#samples;
    this.#resampler = sampleRate === codec.sampleRate ? null : new Resampler(codec.sampleRate, sampleRate);
    this.#resampled = new Int16Array(0);
    this.use(codec, media);
  }

  get totals(): InboundTotals {
    const { late, duplicates } = this.#reorder.counters;
    return {
      received: this.#earlierReceived + this.statistics.received,
      lost: Math.max(0, this.#earlierLost + this.statistics.lost),
      late,
      duplicates,
      concealedFrames: this.#concealedFrames,
      jitterMs: this.statistics.jitterMs,
    };
  }

  /** Goes on with another codec of the same rates, or other payload types. */
  use(codec: PayloadCodec, media: AgreedMedia): void {
    this.#codec = codec;
    this.#media = media;
    if (media.dtmfPayloadType !== undefined) this.#detector = null;
    else this.#detector ??= new DtmfDetector(codec.sampleRate);
  }

  /** Whether packets of this type belong to the call. */
  knows(payloadType: number): boolean {
    const { dtmfPayloadType, noisePayloadType } = this.#media;
    return (
      payloadType === dtmfPayloadType || payloadType === noisePayloadType || this.#codecOf(payloadType) !== undefined
    );
  }

  /** Takes a packet of the peer, `view` being what was read of it. */
  push(view: RtpView, bytes: Uint8Array, nowMs: number): void {
    this.#nowMs = nowMs;
    if (view.ssrc !== this.#ssrc) this.#restart(view.ssrc);
    const { payloadType } = view;
    const isEvent = payloadType === this.#media.dtmfPayloadType;
    const isNoise = payloadType === this.#media.noisePayloadType;
    const packet = this.#arrived;
    packet.bytes = bytes;
    packet.start = view.payloadStart;
    packet.end = isEvent || isNoise ? view.payloadStart : view.payloadEnd;
    packet.sequence = this.#sequences.unwrap(view.sequence);
    packet.timestamp = this.#timestamps.unwrap(view.timestamp);
    this.#types[packet.sequence & (REMEMBERED_TYPES - 1)] = payloadType;
    if (isEvent) this.#pushEvent(view, bytes);
    if (isNoise) this.#noiseDb = readNoiseLevel(bytes, view.payloadStart, view.payloadEnd);
    this.statistics.receive(packet.sequence, isEvent ? this.#timestampAt(nowMs) : packet.timestamp, nowMs);
    if (!isEvent) this.#timedAt(packet.timestamp, nowMs);
    this.#reorder.push(packet, nowMs, this.statistics.jitterMs);
  }

  /** Lets time pass: call it once a tick. */
  advanceTo(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#reorder.advanceTo(nowMs);
    this.#events.advanceTo(nowMs);
    if (nowMs - this.#audioMs >= HOLE_MS + this.#filledFrames * FRAME_MS) this.#fillHole();
  }

  /** The peer is silent on purpose: until it speaks again there is no hole. */
  rest(): void {
    this.#audioMs = Number.NaN;
  }

  #restart(ssrc: number): void {
    this.#ssrc = ssrc;
    this.#earlierReceived += this.statistics.received;
    this.#earlierLost += this.statistics.lost;
    this.statistics = new ReceiverStatistics(this.#clockRate);
    this.#reorder.reset();
    this.#sequences.reset();
    this.#timestamps.reset();
  }

  #codecOf(payloadType: number): PayloadCodec | undefined {
    if (payloadType === this.#media.payloadType) return this.#codec;
    const codec = staticCodec(payloadType);
    return codec?.sampleRate === this.#codec.sampleRate ? codec : undefined;
  }

  #timedAt(timestamp: number, nowMs: number): void {
    this.#newestTimestamp = timestamp;
    this.#newestMs = nowMs;
  }

  /** All packets of a key carry the time of its start, which would count as jitter. */
  #timestampAt(nowMs: number): number {
    return this.#newestTimestamp + ((nowMs - this.#newestMs) * this.#clockRate) / 1000;
  }

  #pushEvent(view: RtpView, bytes: Uint8Array): void {
    const event = this.#event;
    event.bytes = bytes;
    event.start = view.payloadStart;
    event.end = view.payloadEnd;
    event.timestamp = view.timestamp;
    event.ssrc = view.ssrc;
    this.#events.push(event, this.#nowMs);
  }

  #inOrder(bytes: Uint8Array, start: number, end: number, sequence: number): void {
    if (start === end) return;
    const codec = this.#codecOf(this.#types[sequence & (REMEMBERED_TYPES - 1)] as number);
    if (codec === undefined) return;
    const most = (end - start) * codec.samplesPerByte;
    if (this.#samples.length < most) this.#samples = new Int16Array(Math.floor(most));
    const count = codec.decode(bytes, start, end, this.#samples);
    if (this.#view.length !== count || this.#view.buffer !== this.#samples.buffer) {
      this.#view = this.#samples.subarray(0, count);
    }
    this.#noiseDb = undefined;
    this.#filledFrames = 0;
    this.#audioMs = this.#nowMs;
    if (this.#detector !== null) this.#detect(this.#detector);
    this.#deliver(this.#view);
  }

  #detect(detector: DtmfDetector): void {
    const digits = detector.push(this.#view);
    for (let index = 0; index < digits.length; index++) this.#listener.digit(digits.charAt(index));
  }

  /** Packets given up. A hole that the clock has filled already needs no more than the rest of it. */
  #lost(count: number): void {
    const made = this.#made;
    const isSpeech = this.#filledFrames === 0 && !this.#events.isDown && !Number.isNaN(this.#audioMs);
    const frames = Math.min(count, MAX_FILLED_FRAMES) - this.#filledFrames;
    if (isSpeech && frames > 0) this.#concealer.begin(this.#view, this.#view.length);
    for (let index = 0; index < frames; index++) {
      if (isSpeech && index < CONCEALED_FRAMES) {
        this.#concealer.fill(made, made.length, index);
        this.#concealedFrames++;
      } else this.#makeSilence();
      this.#deliver(made);
    }
  }

  #fillHole(): void {
    this.#filledFrames++;
    this.#makeSilence();
    this.#deliver(this.#made);
  }

  /** Noise at the level the peer tells (RFC 3389), else none. */
  #makeSilence(): void {
    if (this.#noiseDb === undefined) this.#made.fill(0);
    else this.#noise.fill(this.#made, this.#noiseDb);
  }

  #deliver(samples: Int16Array): void {
    if (this.#resampler === null) {
      this.#listener.audio(samples, samples.length, this.#nowMs);
      return;
    }
    const length = this.#resampler.outputLength(samples.length);
    if (this.#resampled.length < length) this.#resampled = new Int16Array(length);
    const count = this.#resampler.process(samples, this.#resampled);
    this.#listener.audio(this.#resampled, count, this.#nowMs);
  }
}
