import { DTMF_COLUMNS_HZ, DTMF_KEYS, DTMF_ROWS_HZ } from './dtmf-tones.ts';
import { goertzelCoefficient, goertzelPowers } from './goertzel.ts';

/** Length of one look, and the distance to the next: they overlap by half. */
const WINDOW_MS = 13;
/** Looks in a row with the same key: together they span 32.5 ms, so 40 ms of tone always pass and 23 ms never (ITU-T Q.24, annex A). */
const HITS_TO_BEGIN = 4;
/** Looks in a row without it: a break of 10 ms is bridged, a pause of 40 ms always ends the digit. */
const MISSES_TO_END = 4;
/** Mean square a tone must have: -42 dBFS, below the weakest level of Q.24. */
const FLOOR = 32_768 ** 2 * 10 ** -4.2;
/** How much stronger one tone may be: the high one 4 dB (normal twist), the low one 8 dB (reverse), each and 2 dB for the measurement. */
const HIGH_OVER_LOW = 10 ** 0.6;
const LOW_OVER_HIGH = 10 ** 1;
/** A tone must stand 7 dB above the others of its group. */
const ABOVE_GROUP = 10 ** 0.7;
/** Share of the whole power that both tones must hold: speech, which has harmonics everywhere, does not get there. */
const SHARE = 0.72;

/**
 * Finds telephone keys in audio: for lines where no digit events were agreed on. Takes chunks of any length, tells each key
 * once, about 35 ms after it went down.
 */
export class DtmfDetector {
  readonly #window: Float64Array;
  readonly #hop: number;
  readonly #rows: Float64Array;
  readonly #columns: Float64Array;
  readonly #rowPowers = new Float64Array(4);
  readonly #columnPowers = new Float64Array(4);
  /** The window of the look that was put off. */
  readonly #before: Float64Array;
  #isPutOff = false;
  #filled = 0;
  /** The key of the last looks, and for how many; -1 is none. */
  #candidate = -1;
  #hits = 0;
  /** The key that was told and has not ended. */
  #pressed = -1;
  #misses = 0;

  constructor(sampleRate: number) {
    this.#hop = Math.round((WINDOW_MS * sampleRate) / 2000);
    this.#window = new Float64Array(this.#hop * 2);
    this.#before = new Float64Array(this.#hop * 2);
    this.#rows = Float64Array.from(DTMF_ROWS_HZ, (hz) => goertzelCoefficient(hz, sampleRate));
    this.#columns = Float64Array.from(DTMF_COLUMNS_HZ, (hz) => goertzelCoefficient(hz, sampleRate));
  }

  /** Whether a key is down, or went up less than 30 ms ago. */
  get isPressed(): boolean {
    return this.#pressed >= 0;
  }

  /** Neither a key nor the beginning of one was heard lately: `reset` would change nothing that is told. */
  get isIdle(): boolean {
    return this.#candidate < 0 && this.#pressed < 0;
  }

  /** Returns the keys that began in this audio, in order; mostly none. */
  push(samples: Int16Array): string {
    const window = this.#window;
    let digits = '';
    for (let index = 0; index < samples.length; index++) {
      window[this.#filled++] = samples[index] as number;
      if (this.#filled < window.length) continue;
      digits += this.#next();
      window.copyWithin(0, this.#hop);
      this.#filled -= this.#hop;
    }
    return digits;
  }

  /** Forgets the audio so far. */
  reset(): void {
    this.#isPutOff = false;
    this.#filled = 0;
    this.#candidate = -1;
    this.#hits = 0;
    this.#pressed = -1;
    this.#misses = 0;
  }

  /**
   * While nothing is heard every other look is put off, and only made up for when the one after it finds a key: no run of looks
   * that counts can end in it otherwise.
   */
  #next(): string {
    const isPutOff = this.#isPutOff;
    this.#isPutOff = !isPutOff && this.#candidate < 0 && this.#pressed < 0;
    if (this.#isPutOff) {
      this.#before.set(this.#window);
      return '';
    }
    const key = this.#look(this.#window);
    if (!isPutOff) return this.#follow(key);
    return this.#follow(key < 0 ? -1 : this.#look(this.#before)) + this.#follow(key);
  }

  /** Follows one look's key over time; returns the key when it is certain that it went down. */
  #follow(key: number): string {
    this.#hits = key === this.#candidate ? this.#hits + 1 : 1;
    this.#candidate = key;
    if (this.#pressed >= 0) {
      this.#misses = key === this.#pressed ? 0 : this.#misses + 1;
      if (this.#misses >= MISSES_TO_END) this.#pressed = -1;
    }
    if (key < 0 || key === this.#pressed || this.#hits < HITS_TO_BEGIN) return '';
    this.#pressed = key;
    this.#misses = 0;
    return DTMF_KEYS.charAt(key);
  }

  /** The key heard in the window; -1 for none. */
  #look(window: Float64Array): number {
    let energy = 0;
    for (let index = 0; index < window.length; index++) {
      const sample = window[index] as number;
      energy += sample * sample;
    }
    if (energy < FLOOR * window.length) return -1;
    // A pure tone has |X|² = energy * length / 2.
    const needed = (SHARE * energy * window.length) / 2;
    const row = strongest(window, this.#rows, this.#rowPowers);
    if (row < 0 || (this.#rowPowers[row] as number) * (1 + HIGH_OVER_LOW) < needed) return -1;
    const column = strongest(window, this.#columns, this.#columnPowers);
    if (column < 0) return -1;
    const low = this.#rowPowers[row] as number;
    const high = this.#columnPowers[column] as number;
    if (high > low * HIGH_OVER_LOW || low > high * LOW_OVER_HIGH) return -1;
    return low + high < needed ? -1 : row * 4 + column;
  }
}

/** Fills `powers` and returns the place of the one that stands out; -1 when none does. */
function strongest(window: Float64Array, coefficients: Float64Array, powers: Float64Array): number {
  goertzelPowers(window, coefficients, powers);
  let best = 0;
  for (let index = 0; index < powers.length; index++) {
    if ((powers[index] as number) > (powers[best] as number)) best = index;
  }
  for (let index = 0; index < powers.length; index++) {
    if (index !== best && (powers[index] as number) * ABOVE_GROUP > (powers[best] as number)) return -1;
  }
  return best;
}
