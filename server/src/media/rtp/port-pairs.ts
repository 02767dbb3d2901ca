/** First and last port, both included. */
export type PortRange = { readonly start: number; readonly end: number };

/** A freed pair rests so long: late packets of the call before must not enter the next. */
export const QUARANTINE_MS = 30_000;

/** Who has which pair of ports: RTP on the even one, RTCP on the odd one above it (RFC 3550, 11). */
export class PortPairs {
  /** How many pairs the range holds: the most calls there can be. */
  readonly size: number;
  readonly #first: number;
  readonly #leased = new Set<number>();
  /** Freed pairs and when they may be used again, the oldest first. */
  readonly #resting = new Map<number, number>();
  #next: number;

  /** @param below draws a whole number, 0 <= n < limit: where to begin, so that a stranger cannot guess the ports of a call. */
  constructor(range: PortRange, below: (limit: number) => number) {
    this.#first = range.start + (range.start % 2);
    this.size = Math.max(0, Math.floor((range.end - this.#first + 1) / 2));
    this.#next = this.size === 0 ? 0 : below(this.size);
  }

  /** Pairs in use. */
  get leased(): number {
    return this.#leased.size;
  }

  /** The even port of a free pair, now leased, each in its turn; null when all are in use or at rest. */
  take(nowMs: number): number | null {
    this.#wake(nowMs);
    for (let tried = 0; tried < this.size; tried++) {
      const port = this.#first + 2 * this.#next;
      this.#next = (this.#next + 1) % this.size;
      if (this.#leased.has(port) || this.#resting.has(port)) continue;
      this.#leased.add(port);
      return port;
    }
    return null;
  }

  /** Gives a pair back that another program holds: it is tried again when its turn comes. */
  stepOver(port: number): void {
    this.#leased.delete(port);
  }

  /** Gives a pair back that a call has used. */
  free(port: number, nowMs: number): void {
    if (this.#leased.delete(port)) this.#resting.set(port, nowMs + QUARANTINE_MS);
  }

  #wake(nowMs: number): void {
    for (const [port, untilMs] of this.#resting) {
      if (untilMs > nowMs) return;
      this.#resting.delete(port);
    }
  }
}
