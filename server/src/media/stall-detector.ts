import { FRAME_MS } from '../core/audio-frame.ts';

/** Shorter gaps are jitter. */
const HOLE_MS = 150;
/** How long after a hole a burst may come. */
const BURST_WINDOW_MS = 300;
/** The part of the hole that must come at once; the first frame after it belongs to the present. */
const BURST_SHARE = 0.75;
const TIMELY_MS = FRAME_MS;
/** The part of the hole in which we must have been at work. */
const OWN_SHARE = 0.8;

/**
 * Tells a peer that did not run for a while from a caller who sent nothing. TCP hides a reader that stands still (the kernel
 * took 40 s of frames): afterwards all the caller audio of that time comes at once, where a phone that was silent, on hold or
 * pressing keys goes on in real time. What was sent in such a hole cannot have been heard in its time. A hole in which we sent
 * little ourselves is our own: we were late, not the peer.
 */
export class StallDetector {
  #lastMs = Number.NaN;
  #framesAtLast = 0;
  #sentAtLast = 0;
  #holeMs = 0;
  #holeEndMs = 0;
  #burstMs = 0;
  #from = 0;
  #to = 0;

  /** Positions sent within the hole that was proved last. */
  get unheardFrom(): number {
    return this.#from;
  }

  get unheardTo(): number {
    return this.#to;
  }

  /**
   * Notes caller audio; true when it completes the proof.
   * @param sent our playout position now.
   * @param frames how many frames we have sent so far, silence included.
   */
  audio(nowMs: number, durationMs: number, sent: number, frames: number): boolean {
    const gapMs = nowMs - this.#lastMs;
    const sentMs = (frames - this.#framesAtLast) * FRAME_MS;
    if (gapMs >= HOLE_MS && sentMs >= gapMs * OWN_SHARE) this.#open(gapMs, nowMs, sent);
    this.#lastMs = nowMs;
    this.#sentAtLast = sent;
    this.#framesAtLast = frames;
    if (this.#holeMs === 0) return false;
    const sinceMs = nowMs - this.#holeEndMs;
    this.#burstMs += durationMs;
    if (this.#burstMs - sinceMs - TIMELY_MS >= this.#holeMs * BURST_SHARE) {
      this.#holeMs = 0;
      return true;
    }
    if (sinceMs > BURST_WINDOW_MS) this.#holeMs = 0;
    return false;
  }

  #open(gapMs: number, nowMs: number, sent: number): void {
    this.#holeMs = gapMs;
    this.#holeEndMs = nowMs;
    this.#burstMs = 0;
    this.#from = this.#sentAtLast;
    this.#to = sent;
  }
}
