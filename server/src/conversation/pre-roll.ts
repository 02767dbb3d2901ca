/** The newest samples of a stream, up to a fixed number. */
export class PreRoll {
  readonly #ring: Int16Array;
  #written = 0;

  constructor(capacity: number) {
    this.#ring = new Int16Array(capacity);
  }

  write(samples: Int16Array): void {
    const { length } = this.#ring;
    const kept = samples.length > length ? samples.subarray(samples.length - length) : samples;
    this.#written += samples.length - kept.length;
    const at = this.#written % length;
    const head = Math.min(kept.length, length - at);
    this.#ring.set(kept.subarray(0, head), at);
    this.#ring.set(kept.subarray(head), 0);
    this.#written += kept.length;
  }

  /** A copy of the last `count` samples, fewer where fewer were written or kept. */
  last(count: number): Int16Array {
    const { length } = this.#ring;
    const taken = Math.max(0, Math.min(count, length, this.#written));
    const copy = new Int16Array(taken);
    const from = (this.#written - taken) % length;
    const head = Math.min(taken, length - from);
    copy.set(this.#ring.subarray(from, from + head));
    copy.set(this.#ring.subarray(0, taken - head), head);
    return copy;
  }
}
