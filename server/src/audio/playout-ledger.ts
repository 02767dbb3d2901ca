import type { ReplyId } from '../core/ids.ts';
import type { Cleared, PlayoutPosition } from '../core/ports/media-transport.ts';

/** A stretch of the outbound stream, [start, end), in samples. */
type Stretch = { start: number; end: number };

/**
 * What became of every sample the assistant said: one a call, the only source for what was heard. Offsets count the samples
 * the transport accepted since the call began, over all replies. A sample counts as heard once, when its end lies before the
 * heard position and nobody dropped it; whatever is in doubt was not heard.
 *
 * Invariants: heard <= sent <= queued and none decreases; a dropped sample never counts again.
 */
export class PlayoutLedger {
  readonly #segments = new Map<ReplyId, Stretch[]>();
  /** By their start; they may overlap. */
  readonly #dropped: Stretch[] = [];
  #newestClear: Stretch | null = null;
  #queued = 0;
  #sent = 0;
  #heard = 0;

  /** Notes that the transport took `samples` more of this reply (the return value of `play`). */
  accept(replyId: ReplyId, samples: number): void {
    if (!(samples > 0)) return;
    const start = this.#queued;
    this.#queued += samples;
    const segments = this.#segments.get(replyId);
    const last = segments?.at(-1);
    if (last?.end === start) last.end = this.#queued;
    else if (segments) segments.push({ start, end: this.#queued });
    else this.#segments.set(replyId, [{ start, end: this.#queued }]);
  }

  /** Takes the transport's positions. What would break the invariants is left out: late, lower or impossible values. */
  advance(position: { readonly sent: number; readonly heard: number }): void {
    const sent = Math.min(position.sent, this.#queued);
    if (sent > this.#sent) this.#sent = sent;
    const heard = Math.min(position.heard, this.#sent);
    if (heard > this.#heard) this.#heard = heard;
  }

  /**
   * Everything from `heardOffset` on was dropped and will never be heard. An offset before what already counts as heard is
   * believed no further back than that; one beyond the queue drops nothing.
   */
  clear(heardOffset: number): Cleared {
    const start = Math.min(Math.max(heardOffset, this.#heard), this.#queued);
    this.#newestClear = { start, end: this.#queued };
    this.#dropped.push(this.#newestClear);
    this.#sortDropped();
    this.#sent = this.#queued;
    this.#heard = this.#queued;
    return { heardSamples: start, droppedSamples: this.#queued - start };
  }

  /**
   * The transport's final word on the newest `clear`: what was dropped began at `heardOffset`. Positions stay, the account of
   * the replies changes. Nothing without an earlier `clear`.
   */
  correctClear(heardOffset: number): void {
    const newest = this.#newestClear;
    if (!newest) return;
    newest.start = Math.min(Math.max(0, heardOffset), newest.end);
    this.#sortDropped();
  }

  /** The stretch [from, to) was sent and not heard: the other side stood still. */
  unhear(from: number, to: number): void {
    this.#drop({ start: Math.max(0, from), end: Math.min(to, this.#queued) });
  }

  /** Samples of the outbound stream: queued, sent, heard; dropped ones are jumped over. */
  position(): PlayoutPosition {
    return { queued: this.#queued, sent: this.#sent, heard: this.#heard };
  }

  /** Samples accepted of this reply. */
  acceptedOf(replyId: ReplyId): number {
    return this.#lengthOf(replyId, (segment) => segment.end - segment.start);
  }

  /** Samples of this reply that were heard. */
  heardOf(replyId: ReplyId): number {
    return this.#lengthOf(replyId, (segment) => this.#heardWithin(segment.start, segment.end));
  }

  /** True when all accepted audio of the reply was heard, and some was accepted. */
  isFullyHeard(replyId: ReplyId): boolean {
    const accepted = this.acceptedOf(replyId);
    return accepted > 0 && this.heardOf(replyId) === accepted;
  }

  /** True when all of [from, to) was heard, counted in samples from the reply's own beginning: a word, say. */
  wasHeard(replyId: ReplyId, from: number, to: number): boolean {
    let passed = 0;
    let heard = 0;
    for (const segment of this.#segments.get(replyId) ?? []) {
      const shift = segment.start - passed;
      const start = Math.max(from + shift, segment.start);
      const end = Math.min(to + shift, segment.end);
      if (start < end) heard += this.#heardWithin(start, end);
      passed += segment.end - segment.start;
    }
    return heard === to - from;
  }

  /** Ends the account of a reply nobody asks about any more. */
  forget(replyId: ReplyId): void {
    this.#segments.delete(replyId);
  }

  #lengthOf(replyId: ReplyId, measure: (segment: Stretch) => number): number {
    let sum = 0;
    for (const segment of this.#segments.get(replyId) ?? []) sum += measure(segment);
    return sum;
  }

  #heardWithin(start: number, end: number): number {
    const limit = Math.min(end, this.#heard);
    let heard = 0;
    let at = start;
    for (const stretch of this.#dropped) {
      if (stretch.start >= limit) break;
      heard += Math.max(0, stretch.start - at);
      at = Math.max(at, stretch.end);
    }
    return heard + Math.max(0, limit - at);
  }

  #drop(stretch: Stretch): void {
    if (stretch.start >= stretch.end) return;
    this.#dropped.push(stretch);
    this.#sortDropped();
  }

  #sortDropped(): void {
    this.#dropped.sort((a, b) => a.start - b.start);
  }
}
