/**
 * Audio by its position in the outbound stream: what waits to be sent, and what was sent but may have to be sent again. A ring
 * of fixed size; positions are sample counts since the call began.
 */
export class PlayoutQueue {
  readonly #ring: Int16Array;
  #queued = 0;
  #kept = 0;

  /** @param capacity samples */
  constructor(capacity: number) {
    this.#ring = new Int16Array(capacity);
  }

  /** One past the newest sample. */
  get queued(): number {
    return this.#queued;
  }

  /** Takes as much as there is room for behind `kept`; returns how much. */
  push(samples: Int16Array, limit: number): number {
    const room = Math.min(limit, this.#ring.length - (this.#queued - this.#kept));
    const accepted = Math.min(samples.length, Math.max(0, room));
    const at = this.#queued % this.#ring.length;
    const head = Math.min(accepted, this.#ring.length - at);
    this.#ring.set(head === samples.length ? samples : samples.subarray(0, head), at);
    if (accepted > head) this.#ring.set(samples.subarray(head, accepted), 0);
    this.#queued += accepted;
    return accepted;
  }

  /** Audio before this position is not asked for again. */
  release(position: number): void {
    this.#kept = Math.max(this.#kept, Math.min(position, this.#queued));
  }

  /** The oldest position that can still be read. */
  get kept(): number {
    return this.#kept;
  }

  /** Copies [from, from + count) into `into`. */
  copy(from: number, count: number, into: Int16Array): void {
    const at = from % this.#ring.length;
    const head = Math.min(count, this.#ring.length - at);
    into.set(this.#ring.subarray(at, at + head), 0);
    if (count > head) into.set(this.#ring.subarray(0, count - head), head);
  }
}
