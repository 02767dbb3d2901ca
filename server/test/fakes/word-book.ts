/** The loudness that stands for the first word, and the step to the next. */
const FIRST_LEVEL = 4_000;
const LEVEL_STEP = 100;

/** A word found in audio; incomplete when it was cut. */
export type FoundWord = { readonly text: string; readonly isComplete: boolean };

/**
 * Speech that a test can read back sample by sample: each word is a stretch of one level, words are divided by silence. The
 * same book must be used for writing and reading.
 */
export class WordBook {
  readonly wordMs: number;
  readonly pauseMs: number;
  readonly #samplesPerMs: number;
  readonly #words: string[] = [];

  constructor(wordMs: number, pauseMs: number, sampleRate = 8_000) {
    this.wordMs = wordMs;
    this.pauseMs = pauseMs;
    this.#samplesPerMs = sampleRate / 1000;
  }

  /** How long one word and the silence behind it take. */
  get stepMs(): number {
    return this.wordMs + this.pauseMs;
  }

  encode(text: string): Int16Array {
    const words = text.split(/\s+/).filter((word) => word !== '');
    const step = this.stepMs * this.#samplesPerMs;
    const samples = new Int16Array(words.length * step);
    for (const [index, word] of words.entries()) {
      const start = index * step;
      samples.fill(this.#levelOf(word), start, start + this.wordMs * this.#samplesPerMs);
    }
    return samples;
  }

  decode(samples: ArrayLike<number>): FoundWord[] {
    const found: FoundWord[] = [];
    const whole = this.wordMs * this.#samplesPerMs;
    for (let at = 0; at < samples.length; ) {
      const level = samples[at] ?? 0;
      let end = at + 1;
      while (end < samples.length && samples[end] === level) end++;
      const text = this.#words[(level - FIRST_LEVEL) / LEVEL_STEP];
      if (text !== undefined) found.push({ text, isComplete: end - at >= whole });
      at = end;
    }
    return found;
  }

  /** The complete words in audio. */
  text(samples: ArrayLike<number>): string {
    return this.decode(samples)
      .filter((word) => word.isComplete)
      .map((word) => word.text)
      .join(' ');
  }

  #levelOf(word: string): number {
    if (!this.#words.includes(word)) this.#words.push(word);
    return FIRST_LEVEL + this.#words.indexOf(word) * LEVEL_STEP;
  }
}
