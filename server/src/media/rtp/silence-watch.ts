/** How long a peer may send nothing, in ms. */
export type SilenceLimits = {
  /** From the start, or from the end of a hold. */
  readonly firstMs: number;
  /** After its newest packet. */
  readonly laterMs: number;
};

/** As others have it: long enough for a network to recover, short enough that a dead call does not cost a night. */
export const SILENCE_LIMITS: SilenceLimits = { firstMs: 30_000, laterMs: 15_000 };

/** Tells a call whose peer is gone, though nobody said so. */
export class SilenceWatch {
  readonly #limits: SilenceLimits;
  #limitMs: number;
  #sinceMs: number;
  #isExpecting = true;

  constructor(limits: SilenceLimits, nowMs: number) {
    this.#limits = limits;
    this.#limitMs = limits.firstMs;
    this.#sinceMs = nowMs;
  }

  /** A packet came. */
  heard(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#limitMs = this.#limits.laterMs;
  }

  /** Whether the peer ought to send: not while it is held, or holds us. */
  expect(isExpecting: boolean, nowMs: number): void {
    if (isExpecting && !this.#isExpecting) {
      this.#sinceMs = nowMs;
      this.#limitMs = this.#limits.firstMs;
    }
    this.#isExpecting = isExpecting;
  }

  isOver(nowMs: number): boolean {
    return this.#isExpecting && nowMs - this.#sinceMs >= this.#limitMs;
  }

  /** Seconds without a packet that were allowed, for the reason of the end. */
  get limitSeconds(): number {
    return Math.round(this.#limitMs / 1000);
  }
}
