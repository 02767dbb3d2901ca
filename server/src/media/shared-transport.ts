import { type AudioFrame, FRAME_MS } from '../core/audio-frame.ts';
import type { ReplyId } from '../core/ids.ts';
import type {
  Cleared,
  MediaCapabilities,
  MediaEnd,
  MediaFigures,
  MediaListener,
  MediaTransport,
  PlayoutPosition,
} from '../core/ports/media-transport.ts';
import { type CallMemory, queueLimit, rewindSamples, WORD } from './call-memory.ts';
import { CallerAudioReader } from './caller-audio.ts';
import { EarlyEvents } from './early-events.ts';

/** What a transport needs of whoever looks after it. */
export interface TransportLink {
  /** Asks the worker to hang up. */
  close(): void;
  /** Asks for `attend` soon, but not within this turn. */
  wake(): void;
  /** Asks the worker to send keys. */
  sendDigits(digits: string): void;
  /** A verb came after `closed`. */
  countLateVerb(): void;
  /** Turns an arrival time of the worker's clock (microseconds, modulo 2^32) into Clock.nowMs. */
  clockMs(workerUs: number): number;
}

/** What a wire can do that only carries audio, and keys inwards. */
export const PLAIN_CAPABILITIES: MediaCapabilities = {
  clock: 'local',
  maxLeadMs: FRAME_MS,
  hasDtmfIn: true,
  hasDtmfOut: false,
  hasHold: false,
};

/** Caller audio is handed on in pieces of at most this many samples; it is copied here first, one call after another. */
const scratch = new Int16Array(8192);

/** Main's door to a call of the media worker: audio and positions by shared memory, so no verb waits for anything. */
export class SharedTransport implements MediaTransport {
  readonly capabilities: MediaCapabilities;
  readonly sampleRate: number;
  #words: Int32Array;
  #ring: Int16Array;
  readonly #callerAudio: CallerAudioReader;
  readonly #link: TransportLink;
  readonly #early: EarlyEvents;
  readonly #marks: { readonly id: string; readonly at: number }[] = [];
  #listener: MediaListener | null = null;
  #queued = 0;
  #lastClear: { to: number; cleared: Cleared; isFinal: boolean } | null = null;
  #isFull = false;
  #isHeld = false;
  #isHoldTold = false;
  #end: MediaEnd | null = null;
  #figures: MediaFigures | undefined;
  #isEndTold = false;

  constructor(memory: CallMemory, link: TransportLink, capabilities = PLAIN_CAPABILITIES) {
    this.capabilities = capabilities;
    this.sampleRate = memory.sampleRate;
    this.#words = memory.words;
    this.#ring = memory.outbound;
    this.#callerAudio = new CallerAudioReader(memory);
    this.#link = link;
    this.#early = new EarlyEvents(memory.sampleRate);
  }

  /** Samples of caller audio that were lost because main came too late. */
  get samplesDroppedIn(): number {
    return this.#callerAudio.dropped;
  }

  listen(listener: MediaListener): void {
    this.#listener ??= listener;
    this.#link.wake();
  }

  play(frame: AudioFrame, _replyId: ReplyId): number {
    if (this.#isOver()) return 0;
    if (frame.sampleRate !== this.sampleRate) return frame.samples.length;
    const room = queueLimit(this.sampleRate) - this.#waiting();
    const accepted = Math.min(frame.samples.length, Math.max(0, room));
    const at = this.#queued % this.#ring.length;
    const head = Math.min(accepted, this.#ring.length - at);
    this.#ring.set(frame.samples.subarray(0, head), at);
    this.#ring.set(frame.samples.subarray(head, accepted), 0);
    this.#queued += accepted;
    Atomics.store(this.#words, WORD.queued, this.#queued | 0);
    if (accepted < frame.samples.length) this.#awaitRoom();
    return accepted;
  }

  endReply(_replyId: ReplyId): void {
    if (this.#isOver()) return;
    Atomics.store(this.#words, WORD.replyEnd, this.#queued | 0);
  }

  pause(): void {
    if (this.#isOver()) return;
    Atomics.store(this.#words, WORD.isPaused, 1);
  }

  resume(rewind = 0): void {
    if (this.#isOver()) return;
    const samples = Math.min(Math.max(0, Math.floor(rewind)), rewindSamples(this.sampleRate));
    Atomics.store(this.#words, WORD.rewind, samples);
    Atomics.add(this.#words, WORD.resumes, 1);
    Atomics.store(this.#words, WORD.isPaused, 0);
  }

  clear(): Cleared {
    const { heard, queued } = this.position();
    const cleared = { heardSamples: heard, droppedSamples: queued - heard };
    if (this.#isOver()) return cleared;
    this.#lastClear = { to: queued, cleared, isFinal: false };
    this.#marks.splice(0, this.#marks.length, ...this.#marks.filter((mark) => mark.at <= heard));
    Atomics.store(this.#words, WORD.isMarkArmed, 0);
    Atomics.store(this.#words, WORD.replyEnd, queued | 0);
    Atomics.store(this.#words, WORD.clearedTo, queued | 0);
    Atomics.store(this.#words, WORD.isPaused, 0);
    if (this.#isFull || this.#marks.length > 0) this.#link.wake();
    return cleared;
  }

  mark(id: string): void {
    if (this.#isOver()) return;
    this.#marks.push({ id, at: this.#queued });
    this.#armMark();
  }

  position(): PlayoutPosition {
    const clearedTo = this.#absolute(WORD.clearedTo);
    const sent = Math.max(this.#absolute(WORD.sent), clearedTo);
    return { queued: this.#queued, sent, heard: Math.max(this.#absolute(WORD.heard), clearedTo) };
  }

  sendDigits(digits: string): void {
    if (!this.#isOver() && this.capabilities.hasDtmfOut) this.#link.sendDigits(digits);
  }

  close(): void {
    if (this.#isOver()) return;
    this.#link.close();
  }

  /** Looks at what the worker has done and tells the listener. Called by whoever looks after the transport. */
  attend(): void {
    const listener = this.#listener;
    Atomics.store(this.#words, WORD.isRung, 0);
    if (listener !== null) this.#early.tell(listener);
    this.#readAudio(listener);
    if (listener === null || this.#isEndTold) return;
    this.#settleClear(listener);
    this.#tellMarks(listener);
    this.#tellRoom(listener);
    this.#tellHold(listener);
    if (this.#end === null || this.#isEndTold) return;
    this.#isEndTold = true;
    listener.closed(this.#end, this.#figures);
  }

  /** A key arrived. */
  digit(digit: string): void {
    this.attend();
    if (this.#isEndTold) return;
    if (this.#listener === null) this.#early.keepDigit(digit);
    else this.#listener.digit(digit);
  }

  /** The peer holds the call, or takes it up again. */
  held(isHeld: boolean): void {
    this.attend();
    this.#isHeld = isHeld;
    this.attend();
  }

  /** Audio sent between these positions (modulo 2^32) went to a peer that stood still. */
  unheard(fromWord: number, toWord: number): void {
    this.attend();
    const from = this.#fromWord(fromWord);
    const to = this.#fromWord(toWord);
    if (this.#isEndTold || to <= from) return;
    const last = this.#lastClear;
    if (last !== null && last.cleared.heardSamples > from && last.cleared.heardSamples <= to) {
      this.#correct(last.to, from);
    }
    this.#listener?.unheard?.(from, to);
  }

  /**
   * The call is over; the listener is told after all that came before. The shared memory is let go of, as the next call gets
   * it: what is still asked of this one is answered from a copy.
   */
  finish(end: MediaEnd, figures?: MediaFigures): void {
    if (this.#end !== null) return;
    this.attend();
    this.#words = this.#words.slice();
    this.#ring = new Int16Array(0);
    this.#callerAudio.detach();
    this.#end = end;
    this.#figures = figures;
    this.attend();
  }

  #isOver(): boolean {
    if (this.#end !== null) this.#link.countLateVerb();
    return this.#end !== null;
  }

  #absolute(word: number): number {
    return this.#fromWord(Atomics.load(this.#words, word));
  }

  /** A position modulo 2^32 as a whole number: at most 2^31 before what is queued. */
  #fromWord(value: number): number {
    return this.#queued - (((this.#queued | 0) - value) | 0);
  }

  #waiting(): number {
    return this.#queued - this.position().sent;
  }

  #awaitRoom(): void {
    this.#isFull = true;
    Atomics.store(this.#words, WORD.wantsRoom, 1);
  }

  #armMark(): void {
    const next = this.#marks[0];
    if (next === undefined) return;
    Atomics.store(this.#words, WORD.markAt, next.at | 0);
    Atomics.store(this.#words, WORD.isMarkArmed, 1);
    if (next.at <= this.position().heard) this.#link.wake();
  }

  #readAudio(listener: MediaListener | null): void {
    for (let samples = this.#callerAudio.read(scratch); samples > 0; samples = this.#callerAudio.read(scratch)) {
      const clockMs = this.#link.clockMs(this.#callerAudio.receivedAtUs);
      if (listener === null) this.#early.keepAudio(scratch.subarray(0, samples), clockMs);
      else if (!this.#isEndTold) listener.audio(scratch.subarray(0, samples), clockMs);
    }
  }

  #settleClear(listener: MediaListener): void {
    const last = this.#lastClear;
    if (last === null || last.isFinal) return;
    if (this.#absolute(WORD.clearApplied) !== last.to) return;
    last.isFinal = true;
    const heard = Math.max(this.#absolute(WORD.heardAtClear), last.cleared.heardSamples);
    if (heard === last.cleared.heardSamples) return;
    last.cleared = { heardSamples: heard, droppedSamples: last.to - heard };
    listener.cleared(last.cleared);
  }

  #correct(to: number, heard: number): void {
    const cleared = { heardSamples: heard, droppedSamples: to - heard };
    this.#lastClear = { to, cleared, isFinal: true };
    this.#listener?.cleared(cleared);
  }

  #tellMarks(listener: MediaListener): void {
    if (this.#marks.length === 0) return;
    const { heard } = this.position();
    for (let next = this.#marks[0]; next !== undefined && next.at <= heard; next = this.#marks[0]) {
      this.#marks.shift();
      listener.played(next.id);
    }
    if (this.#marks.length > 0 && Atomics.load(this.#words, WORD.isMarkArmed) === 0) this.#armMark();
  }

  #tellRoom(listener: MediaListener): void {
    if (!this.#isFull) return;
    const isStillFull = Atomics.load(this.#words, WORD.wantsRoom) === 1 && this.#waiting() > 0;
    if (isStillFull) return;
    this.#isFull = false;
    Atomics.store(this.#words, WORD.wantsRoom, 0);
    listener.writable();
  }

  #tellHold(listener: MediaListener): void {
    if (this.#isHeld === this.#isHoldTold) return;
    this.#isHoldTold = this.#isHeld;
    listener.held(this.#isHeld);
  }
}
