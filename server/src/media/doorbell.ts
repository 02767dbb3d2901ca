import { WORD } from './call-memory.ts';

const PLACES = 16_384;

/**
 * The list of calls main should look at: the worker writes call numbers, main reads on from where it was. A call stands on it
 * once at most (`isRung`), so it cannot overflow below 16,384 calls; beyond that main is told to look at all of them.
 */
export type DoorbellMemory = Int32Array;

export function createDoorbellMemory(): DoorbellMemory {
  return new Int32Array(new SharedArrayBuffer((PLACES + 1) * Int32Array.BYTES_PER_ELEMENT));
}

/** Puts a call on the list; true when it was not on it. */
export function ring(doorbell: DoorbellMemory, words: Int32Array, call: number): boolean {
  if (Atomics.exchange(words, WORD.isRung, 1) === 1) return false;
  const at = Atomics.load(doorbell, PLACES);
  Atomics.store(doorbell, at & (PLACES - 1), call);
  Atomics.store(doorbell, PLACES, (at + 1) | 0);
  return true;
}

/** Main's end: calls `visit` for each number rung since the last time; -1 stands for all calls. */
export class DoorbellReader {
  readonly #memory: DoorbellMemory;
  #at = 0;

  constructor(memory: DoorbellMemory) {
    this.#memory = memory;
  }

  answer(visit: (call: number) => void): void {
    const rung = Atomics.load(this.#memory, PLACES);
    if (((rung - this.#at) | 0) > PLACES) {
      this.#at = rung;
      visit(-1);
      return;
    }
    while (this.#at !== rung) {
      visit(Atomics.load(this.#memory, this.#at & (PLACES - 1)));
      this.#at = (this.#at + 1) | 0;
    }
  }
}
