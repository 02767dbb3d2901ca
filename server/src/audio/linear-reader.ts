/**
 * Linear 16-bit little-endian bytes, as they come off a wire, read as samples. An odd byte waits for its other half, so that
 * alignment survives a cut anywhere. Allocates only when a piece is longer than any before.
 */
export class LinearReader {
  #bytes = Buffer.alloc(0);
  #samples = new Int16Array(0);
  #view = new Int16Array(0);
  #odd = -1;

  /** The view is valid until the next call. */
  read(bytes: Uint8Array): Int16Array {
    const held = this.#odd >= 0 ? 1 : 0;
    const length = bytes.length + held;
    if (this.#bytes.length < length) {
      const memory = new ArrayBuffer(2 ** Math.ceil(Math.log2(Math.max(length, 2))));
      this.#bytes = Buffer.from(memory);
      this.#samples = new Int16Array(memory);
      this.#view = this.#samples;
    }
    if (held) this.#bytes[0] = this.#odd;
    this.#bytes.set(bytes, held);
    this.#odd = length % 2 === 1 ? (this.#bytes[length - 1] as number) : -1;
    // Most pieces are as long as the one before.
    if (this.#view.length !== length >> 1) this.#view = this.#samples.subarray(0, length >> 1);
    return this.#view;
  }
}
