/** Loudness is looked at in stretches of this length. */
const STEP_MS = 10;
/** A soft consonant at the beginning is quieter than this limit, and short. */
const KEPT_MS = 40;
/** A pause that long is meant. */
const MOST_MS = 500;
/** Mean absolute sample: about -50 dBFS. The breath of flite's voices before the first sound lies at -55 to -90. */
const QUIET_LEVEL = 82;

/**
 * Takes the quiet before the first sound off a voice's speech: the caller waits through it. flite's voices begin with 140 to 340 ms
 * of it (measured at 8 kHz, all voices, three sentences). Keeps 40 ms; takes at most 500.
 */
export class LeadingQuiet {
  readonly #stepSamples: number;
  readonly #keptSamples: number;
  readonly #mostSamples: number;
  /** The end of what was quiet so far: it goes before the first sound. */
  #held: Int16Array = new Int16Array(0);
  #dropped = 0;
  #isOver = false;

  constructor(sampleRate: number) {
    this.#stepSamples = (sampleRate * STEP_MS) / 1000;
    this.#keptSamples = (sampleRate * KEPT_MS) / 1000;
    this.#mostSamples = (sampleRate * MOST_MS) / 1000;
  }

  /** Samples taken off so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** What is to be played of the next piece, perhaps nothing yet. A piece without quiet comes back as it is. */
  push(samples: Int16Array): Int16Array {
    if (this.#isOver) return samples;
    const onset = this.#onsetIn(samples);
    const all = this.#held.length === 0 ? samples : joined(this.#held, samples);
    const before = onset === null ? all.length : all.length - samples.length + onset;
    const cut = Math.min(Math.max(0, before - this.#keptSamples), this.#mostSamples - this.#dropped);
    this.#dropped += cut;
    this.#isOver = onset !== null || this.#dropped >= this.#mostSamples;
    const rest = cut === 0 ? all : all.subarray(cut);
    this.#held = this.#isOver ? new Int16Array(0) : rest;
    return this.#isOver ? rest : new Int16Array(0);
  }

  /** What is still held when the voice is done. */
  flush(): Int16Array {
    this.#isOver = true;
    const rest = this.#held;
    this.#held = new Int16Array(0);
    return rest;
  }

  #onsetIn(samples: Int16Array): number | null {
    for (let from = 0; from < samples.length; from += this.#stepSamples) {
      const to = Math.min(samples.length, from + this.#stepSamples);
      let sum = 0;
      for (let index = from; index < to; index++) sum += Math.abs(samples[index] as number);
      if (sum >= QUIET_LEVEL * (to - from)) return from;
    }
    return null;
  }
}

function joined(first: Int16Array, second: Int16Array): Int16Array {
  const all = new Int16Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
