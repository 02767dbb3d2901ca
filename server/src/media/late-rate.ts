import { Resampler } from '../audio/resampler.ts';

/**
 * Brings audio of another rate to the call's own. Needed when a peer was silent for so long after its id that it was taken for
 * 8 kHz, and is not: the call goes on, only its caller sounds like a telephone.
 */
export class LateRate {
  readonly sampleRate: number;
  readonly #resampler: Resampler;
  #input = new Int16Array(0);
  /** What `convert` wrote; valid until the next call. */
  output = new Int16Array(0);

  constructor(sampleRate: number, callRate: number) {
    this.sampleRate = sampleRate;
    this.#resampler = new Resampler(sampleRate, callRate);
  }

  /** Converts little-endian samples, bytes[start, end); returns how many samples there are in `output`. */
  convert(bytes: Uint8Array, start: number, end: number): number {
    const samples = (end - start) >> 1;
    if (this.#input.length < samples) this.#input = new Int16Array(samples);
    for (let index = 0; index < samples; index++) {
      const at = start + 2 * index;
      this.#input[index] = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    }
    const length = this.#resampler.outputLength(samples);
    if (this.output.length < length) this.output = new Int16Array(length);
    return this.#resampler.process(this.#input.subarray(0, samples), this.output);
  }
}
