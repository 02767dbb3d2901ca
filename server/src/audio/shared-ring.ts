/** Control words before the samples. */
const WORDS = 2;
/** Samples written or about to be: what lies a capacity behind it may be gone. */
const RESERVED = 0;
/** Samples written, modulo 2^32. */
const WRITTEN = 1;

const HEADER_BYTES = WORDS * Int32Array.BYTES_PER_ELEMENT;

/**
 * Memory of a ring of 16-bit samples that one thread writes and one reads.
 * @param capacity samples; rounded up to a power of two. Takes 2 bytes a sample and 8 more.
 */
export function createRingMemory(capacity: number): SharedArrayBuffer {
  const samples = 2 ** Math.ceil(Math.log2(Math.max(2, capacity)));
  return new SharedArrayBuffer(HEADER_BYTES + samples * Int16Array.BYTES_PER_ELEMENT);
}

/** The producer's end. It never waits: what the reader has not fetched in time is written over, oldest first. */
export class SharedRingWriter {
  readonly #words: Int32Array;
  readonly #samples: Int16Array;
  #at: number;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#samples = new Int16Array(memory, HEADER_BYTES);
    this.#at = Atomics.load(this.#words, WRITTEN);
  }

  /** The position after the newest sample, modulo 2^32 (Int32): where a new reader begins. */
  get position(): number {
    return this.#at;
  }

  /** Copies the samples in; any length, of more than a ring only the newest stay. Allocates nothing. */
  write(samples: Int16Array): void {
    const ring = this.#samples;
    const mask = ring.length - 1;
    const end = (this.#at + samples.length) | 0;
    // Told before it is done: a reader that copied meanwhile finds out that its samples may be spoilt.
    Atomics.exchange(this.#words, RESERVED, end);
    const first = Math.max(0, samples.length - ring.length);
    let at = this.#at + first;
    for (let index = first; index < samples.length; index++) ring[at++ & mask] = samples[index] as number;
    this.#at = end;
    Atomics.store(this.#words, WRITTEN, end);
  }
}

/** The consumer's end. It keeps its own position, so several may read one ring, each whole. */
export class SharedRingReader {
  readonly #words: Int32Array;
  readonly #samples: Int16Array;
  #at: number;
  /** Samples written over before they were read. */
  lost = 0;

  /** @param position where to begin, as the writer's `position` told it */
  constructor(memory: SharedArrayBuffer, position: number) {
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#samples = new Int16Array(memory, HEADER_BYTES);
    this.#at = position | 0;
  }

  /** Samples that wait, a ring at most. */
  get available(): number {
    const behind = (Atomics.load(this.#words, WRITTEN) - this.#at) | 0;
    return Math.min(Math.max(0, behind), this.#samples.length);
  }

  /**
   * Fills `into` whole, in order, or leaves the ring as it is and returns false when too little waits. When samples were
   * lost it also returns false, goes on after the loss and counts it in `lost`. Allocates nothing.
   */
  read(into: Int16Array): boolean {
    if (this.#skipLost() || this.available < into.length) return false;
    const ring = this.#samples;
    const mask = ring.length - 1;
    let at = this.#at;
    for (let index = 0; index < into.length; index++) into[index] = ring[at++ & mask] as number;
    if (this.#skipLost()) return false;
    this.#at = at | 0;
    return true;
  }

  #skipLost(): boolean {
    const oldest = (Atomics.load(this.#words, RESERVED) - this.#samples.length) | 0;
    const gone = (oldest - this.#at) | 0;
    if (gone <= 0) return false;
    this.#at = oldest;
    this.lost += gone;
    return true;
  }
}
