import { type CallMemory, queueLimit, rewindSamples, WORD } from './call-memory.ts';
import { bump, COUNTER, type CounterMemory } from './media-counters.ts';

/** The part of the queue that must be free before a full queue is called writable again. */
const WRITABLE_SHARE = 8;

/**
 * The worker's end of the way out: hands the pacer one frame at a time and keeps the positions. Positions here are Int32,
 * modulo 2^32.
 *
 * The order of the reads below matters, as main writes at the same time: what main writes first is read last, so a `clear`
 * is seen whole and nothing of the old audio follows it.
 */
export class Playout {
  readonly #words: Int32Array;
  readonly #ring: Int16Array;
  readonly #mask: number;
  readonly #limit: number;
  readonly #kept: number;
  readonly #counters: CounterMemory;
  readonly #signal: () => void;
  #head = 0;
  #sent = 0;
  #heard = 0;
  #clearedTo = 0;
  #resumes = 0;
  /** @param signal called when main should look: a mark heard, room in the queue, a clear that took effect. */
  constructor(memory: CallMemory, counters: CounterMemory, signal: () => void) {
    this.#counters = counters;
    this.#words = memory.words;
    this.#ring = memory.outbound;
    this.#mask = memory.outbound.length - 1;
    this.#limit = queueLimit(memory.sampleRate);
    this.#kept = rewindSamples(memory.sampleRate);
    this.#signal = signal;
  }

  /** The position up to which audio was handed out. */
  get sent(): number {
    return this.#sent;
  }

  /**
   * Fills `into` with the next frame, the end of a reply padded with silence. Returns false, and leaves `into` alone, when
   * it is time for silence.
   * @param isDeliverable false: the frame will be dropped, so its audio counts as sent but not as heard.
   */
  take(into: Int16Array, isDeliverable: boolean): boolean {
    const words = this.#words;
    const isPaused = Atomics.load(words, WORD.isPaused) === 1;
    const resumes = Atomics.load(words, WORD.resumes);
    const replyEnd = Atomics.load(words, WORD.replyEnd);
    const queued = Atomics.load(words, WORD.queued);
    const clearedTo = Atomics.load(words, WORD.clearedTo);
    if (clearedTo !== this.#clearedTo) this.#clear(clearedTo);
    if (isPaused) return false;
    if (resumes !== this.#resumes) this.#rewind(resumes);
    const left = (queued - this.#head) | 0;
    if (left < into.length && replyEnd !== queued) {
      bump(this.#counters, COUNTER.underruns);
      return false;
    }
    if (left <= 0) return false;
    this.#copy(into, Math.min(left, into.length));
    this.#advance(isDeliverable);
    return true;
  }

  #copy(into: Int16Array, samples: number): void {
    const ring = this.#ring;
    const mask = this.#mask;
    let at = this.#head;
    for (let index = 0; index < samples; index++) into[index] = ring[at++ & mask] as number;
    for (let index = samples; index < into.length; index++) into[index] = 0;
    this.#head = at | 0;
  }

  #advance(isDeliverable: boolean): void {
    if (((this.#head - this.#sent) | 0) <= 0) return;
    this.#sent = this.#head;
    Atomics.store(this.#words, WORD.sent, this.#sent);
    if (isDeliverable) this.#hear(this.#sent);
    this.#tellRoom();
  }

  #hear(position: number): void {
    const words = this.#words;
    this.#heard = position;
    Atomics.store(words, WORD.heard, position);
    if (Atomics.load(words, WORD.isMarkArmed) === 0) return;
    if (((position - Atomics.load(words, WORD.markAt)) | 0) < 0) return;
    Atomics.store(words, WORD.isMarkArmed, 0);
    this.#signal();
  }

  #tellRoom(): void {
    const words = this.#words;
    if (Atomics.load(words, WORD.wantsRoom) === 0) return;
    const waiting = (Atomics.load(words, WORD.queued) - this.#sent) | 0;
    if (waiting > this.#limit - this.#limit / WRITABLE_SHARE) return;
    Atomics.store(words, WORD.wantsRoom, 0);
    this.#signal();
  }

  #clear(clearedTo: number): void {
    const words = this.#words;
    Atomics.store(words, WORD.heardAtClear, this.#heard);
    this.#clearedTo = clearedTo;
    this.#head = clearedTo;
    this.#sent = clearedTo;
    Atomics.store(words, WORD.sent, clearedTo);
    Atomics.store(words, WORD.clearApplied, clearedTo);
    this.#signal();
    this.#hear(clearedTo);
    this.#tellRoom();
  }

  /** Steps back from the heard position, never behind cleared audio nor what the ring keeps. A second resume before a tick replaces the first. */
  #rewind(resumes: number): void {
    this.#resumes = resumes;
    const rewind = Atomics.load(this.#words, WORD.rewind);
    if (rewind === 0) return;
    this.#head = later(later((this.#heard - rewind) | 0, (this.#sent - this.#kept) | 0), this.#clearedTo);
  }
}

function later(a: number, b: number): number {
  return ((a - b) | 0) >= 0 ? a : b;
}
