import { type ContextId, contextIdFromBytes } from '../core/ids.ts';
import type { MediaEnd } from '../core/ports/media-transport.ts';
import { audioSampleRate, ERROR_BITS, FRAME_KIND, ID_BYTES, serialiseFrame } from '../protocols/audiosocket/frame.ts';
import { FrameParser } from '../protocols/audiosocket/frame-parser.ts';
import type { CallMemory } from './call-memory.ts';
import { CallerAudioWriter } from './caller-audio.ts';
import type { FramePool } from './frame-pool.ts';
import { InBandKeys } from './in-band-keys.ts';
import { LateRate } from './late-rate.ts';
import { bump, COUNTER, type CounterMemory } from './media-counters.ts';
import type { LegHost, MediaLeg } from './media-leg.ts';
import type { CallNumber } from './messages.ts';
import { Playout } from './playout.ts';
import { StallDetector } from './stall-detector.ts';

/** The way bytes leave: a socket, or what stands for it in a test. */
export interface ByteSink {
  /** Bytes accepted and not yet taken by the system. */
  readonly queuedBytes: number;
  /** @param written called once the buffer may be changed again, sent or not. */
  write(bytes: Buffer, written: () => void): void;
  /** Says that no more will come (FIN). */
  end(): void;
  destroy(): void;
}

/** What a leg needs of the door it came in by. */
export interface LegDoor {
  /** The leg has sent its id. */
  named(leg: AudioSocketLeg): void;
  pool(sampleRate: number): FramePool;
}

type LegStart = {
  readonly host: LegHost;
  readonly door: LegDoor;
  readonly sink: ByteSink;
  readonly nowMs: number;
};

/** A peer that says nothing at all is let go. */
export const ID_WITHIN_MS = 5000;
/** After its id, a peer's first audio tells its rate; one that sends none is taken for 8 kHz. */
export const RATE_WITHIN_MS = 500;
export const CLOSE_WITHIN_MS = 1000;
/** A peer that takes nothing for so long is gone: the kernel alone holds 40 s before we notice. */
const BLOCKED_LIMIT_MS = 10_000;
const MAX_QUEUED_FRAMES = 3;
const MAX_PAYLOAD_BYTES = 32_768;
const DEFAULT_RATE = 8000;
const BYTES_PER_SAMPLE = 2;
const HANGUP = serialiseFrame(FRAME_KIND.hangup);
const DIGITS = '0123456789*#ABCD';

const nothing = () => {};

/**
 * One AudioSocket connection from its first byte to its last. `naming`: no id yet. `calling`: id seen, silence goes out, the
 * rate is not known yet. `live`: main knows the call. `closing`: the call is over, the socket is not.
 */
export class AudioSocketLeg implements MediaLeg {
  readonly call: CallNumber;
  readonly remoteAddress: string;
  readonly #host: LegHost;
  readonly #door: LegDoor;
  readonly #counters: CounterMemory;
  readonly #sink: ByteSink;
  readonly #parser: FrameParser;
  readonly #stall = new StallDetector();
  #state: 'naming' | 'calling' | 'live' | 'closing' = 'naming';
  #deadlineMs: number;
  #nowMs: number;
  #contextId: ContextId | null = null;
  #earlyDigits = '';
  #pool: FramePool;
  #memory: CallMemory | null = null;
  #playout: Playout | null = null;
  #callerAudio: CallerAudioWriter | null = null;
  #lateRate: LateRate | null = null;
  #keys: InBandKeys | null = null;
  #blockedSinceMs = Number.NaN;
  /** Frames sent, silence included. */
  #frames = 0;

  constructor(call: CallNumber, remoteAddress: string, start: LegStart) {
    this.call = call;
    this.remoteAddress = remoteAddress;
    this.#host = start.host;
    this.#door = start.door;
    this.#counters = start.host.counters;
    this.#sink = start.sink;
    this.#nowMs = start.nowMs;
    this.#deadlineMs = start.nowMs + ID_WITHIN_MS;
    this.#pool = start.door.pool(DEFAULT_RATE);
    this.#parser = new FrameParser(ID_BYTES, (kind, bytes, from, to) => this.#frame(kind, bytes, from, to));
  }

  get isNamed(): boolean {
    return this.#contextId !== null;
  }

  get memory(): CallMemory | null {
    return this.#memory;
  }

  /** Bytes from the peer. */
  receive(chunk: Uint8Array, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#parser.push(chunk) !== null) this.#malformed('a frame is too long');
  }

  /** The peer's FIN: how Asterisk hangs up. */
  peerEnded(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#finish({ type: 'peer_closed' });
  }

  /** The connection broke. */
  failed(detail: string, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#finish({ type: 'lost', detail });
  }

  /** Hangs up: the peer's dialplan goes on behind AudioSocket(). */
  close(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#state === 'closing') return;
    if (this.isNamed) this.#sink.write(HANGUP, nothing);
    this.#finish({ type: 'closed_by_us' });
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#state === 'naming' && nowMs >= this.#deadlineMs) this.#finish({ type: 'lost', detail: 'no id' });
    if (this.#state === 'closing' && nowMs >= this.#deadlineMs) this.#sink.destroy();
    if (this.#state === 'calling' && nowMs >= this.#deadlineMs) this.#arrive(DEFAULT_RATE);
    if (this.#state === 'calling' || this.#state === 'live') this.#sendFrame();
  }

  /** One frame a turn, always: audio, or silence, which also keeps a peer's time-outs away. */
  #sendFrame(): void {
    const pool = this.#pool;
    const isBlocked = this.#sink.queuedBytes > MAX_QUEUED_FRAMES * pool.silence.bytes.length;
    const frame = pool.take();
    const hasAudio = this.#playout?.take(frame.samples, !isBlocked) ?? false;
    if (!hasAudio || isBlocked) pool.give(frame);
    if (isBlocked) {
      this.#drop();
      return;
    }
    this.#blockedSinceMs = Number.NaN;
    bump(this.#counters, COUNTER.framesOut);
    this.#frames++;
    if (!hasAudio) bump(this.#counters, COUNTER.silenceOut);
    const out = hasAudio ? frame : pool.silence;
    this.#sink.write(out.bytes, out.written);
  }

  #drop(): void {
    bump(this.#counters, COUNTER.dropsOut);
    if (Number.isNaN(this.#blockedSinceMs)) this.#blockedSinceMs = this.#nowMs;
    if (this.#nowMs - this.#blockedSinceMs < BLOCKED_LIMIT_MS) return;
    this.#finish({ type: 'lost', detail: 'the peer does not read' });
  }

  #frame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#contextId === null) {
      if (kind === FRAME_KIND.id && end - start === ID_BYTES) this.#name(bytes.subarray(start, end));
      else this.#malformed('the first frame is not an id');
      return;
    }
    const sampleRate = audioSampleRate(kind, end - start);
    if (sampleRate > 0) this.#audio(sampleRate, bytes, start, end);
    else if (kind === FRAME_KIND.digit) this.#digit(bytes, start, end);
    else if (kind === FRAME_KIND.hangup) this.#finish({ type: 'peer_closed' });
    else if (kind === FRAME_KIND.error) this.#error(start < end ? (bytes[start] as number) : 0);
    else if (kind === FRAME_KIND.id) this.#malformed('a second id');
  }

  #name(id: Uint8Array): void {
    this.#contextId = contextIdFromBytes(id);
    this.#parser.maxPayloadBytes = MAX_PAYLOAD_BYTES;
    this.#state = 'calling';
    this.#deadlineMs = this.#nowMs + RATE_WITHIN_MS;
    this.#door.named(this);
  }

  /** The rate is known, so main may know the call. */
  #arrive(sampleRate: number): void {
    const memory = this.#host.memory(sampleRate);
    this.#memory = memory;
    this.#pool = this.#door.pool(sampleRate);
    this.#playout = new Playout(memory, this.#counters, () => this.#host.ring(this));
    this.#callerAudio = new CallerAudioWriter(memory);
    if (this.#earlyDigits === '') this.#keys = new InBandKeys(sampleRate);
    this.#state = 'live';
    this.#host.arrived(this, this.#contextId as ContextId, memory);
    for (const digit of this.#earlyDigits) this.#host.digit(this, digit);
  }

  #audio(sampleRate: number, bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    if (this.#state === 'calling') this.#arrive(sampleRate);
    bump(this.#counters, COUNTER.framesIn);
    if (sampleRate === this.#memory?.sampleRate) {
      this.#callerAudio?.write(bytes, start, end, this.#nowMs);
      if (this.#keys !== null) this.#tellKeys(this.#keys.listenTo(bytes, start, end, this.#nowMs));
    } else this.#lateRateAudio(sampleRate, bytes, start, end);
    this.#host.ring(this);
    const durationMs = ((end - start) / BYTES_PER_SAMPLE / sampleRate) * 1000;
    if (this.#stall.audio(this.#nowMs, durationMs, this.#playout?.sent ?? 0, this.#frames)) this.#stalled();
  }

  #lateRateAudio(sampleRate: number, bytes: Uint8Array, start: number, end: number): void {
    const callRate = this.#memory?.sampleRate ?? DEFAULT_RATE;
    if (this.#lateRate?.sampleRate !== sampleRate) this.#lateRate = new LateRate(sampleRate, callRate);
    const samples = this.#lateRate.convert(bytes, start, end);
    this.#callerAudio?.writeSamples(this.#lateRate.output, samples, this.#nowMs);
    if (this.#keys !== null) this.#tellKeys(this.#keys.listen(this.#lateRate.output.subarray(0, samples), this.#nowMs));
  }

  /** Keys that only the audio tells: of a peer that does not know them from the rest of it. */
  #tellKeys(digits: string): void {
    for (let index = 0; index < digits.length; index++) this.#host.digit(this, digits.charAt(index));
  }

  #stalled(): void {
    bump(this.#counters, COUNTER.stalls);
    this.#host.unheard(this, this.#stall.unheardFrom, this.#stall.unheardTo);
  }

  #digit(bytes: Uint8Array, start: number, end: number): void {
    const digit = String.fromCharCode(bytes[start] as number).toUpperCase();
    if (end - start !== 1 || !DIGITS.includes(digit)) return;
    if (this.#state !== 'live') {
      this.#earlyDigits += digit;
      return;
    }
    const isNews = this.#keys?.isNews(digit, this.#nowMs) ?? true;
    this.#keys = null;
    if (isNews) this.#host.digit(this, digit);
  }

  #error(bits: number): void {
    if ((bits & ERROR_BITS.hungUp) !== 0) this.#finish({ type: 'peer_closed' });
    else this.#finish({ type: 'lost', detail: `the peer reports error ${bits}` });
  }

  #malformed(detail: string): void {
    bump(this.#counters, COUNTER.malformed);
    this.#finish({ type: 'lost', detail });
  }

  #finish(end: MediaEnd): void {
    if (this.#state === 'closing') return;
    const wasLive = this.#state === 'live';
    this.#state = 'closing';
    this.#deadlineMs = this.#nowMs + CLOSE_WITHIN_MS;
    this.#parser.stop();
    this.#sink.end();
    if (wasLive) this.#host.ended(this, end);
  }
}
