/**
 * Makes a counter that wraps at 2^bits count on for ever, in whole numbers (RFC 3550, A.1): each value is placed nearest to the one
 * before. 16 bits for sequence numbers, 32 for timestamps.
 */
export class Unwrapper {
  readonly #isShort: boolean;
  #last: number | undefined;

  constructor(bits: 16 | 32) {
    this.#isShort = bits === 16;
  }

  /** The unwrapped value. An older one comes out lower and leaves the position where it is. */
  unwrap(value: number): number {
    if (this.#last === undefined) {
      this.#last = value;
      return value;
    }
    const ahead = value - this.#last;
    const step = this.#isShort ? (ahead << 16) >> 16 : ahead | 0;
    const unwrapped = this.#last + step;
    if (step > 0) this.#last = unwrapped;
    return unwrapped;
  }

  /** Forgets: the next value starts anew. For another source. */
  reset(): void {
    this.#last = undefined;
  }
}
