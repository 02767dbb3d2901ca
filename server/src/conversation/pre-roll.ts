/** The newest samples of a stream, up to a fixed number. */
export class PreRoll {
  readonly #capacity: number;
  /** Made with the first sample: many calls never bring one. */
  #ring = new Int16Array(0);
  #written = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  write(samples: Int16Array): void {
    if (this.#ring.length === 0) this.#ring = new Int16Array(this.#capacity);
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
    if (taken === 0) return copy;
    const from = (this.#written - taken) % length;
    const head = Math.min(taken, length - from);
    copy.set(this.#ring.subarray(from, from + head));
    copy.set(this.#ring.subarray(0, taken - head), head);
    return copy;
  }
}
