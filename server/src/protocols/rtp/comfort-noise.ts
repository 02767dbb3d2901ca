/** The level of a comfort-noise packet (RFC 3389, 3.1): its first byte, 0-127, as so many dB below full scale. */
export function readNoiseLevel(bytes: Uint8Array, start: number, end: number): number | undefined {
  return end > start ? -((bytes[start] as number) & 0x7f) : undefined;
}

const FULL_SCALE = 32_767;
/** White noise of peak p has the power p^2/3. */
const PEAK_OF_RMS = Math.sqrt(3);

/** White noise at a level, so that a listener, and whatever measures time by frames, does not fall into a hole. */
export class ComfortNoise {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Fills `samples` with noise of `levelDb` (dB below full scale, negative). */
  fill(samples: Int16Array, levelDb: number): void {
    const peak = Math.min(FULL_SCALE, FULL_SCALE * 10 ** (levelDb / 20) * PEAK_OF_RMS);
    let state = this.#state;
    for (let i = 0; i < samples.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      samples[i] = Math.round((state / 2 ** 31) * peak);
    }
    this.#state = state;
  }
}
