import type { SpeechChunk, SpokenWord } from '../core/ports/text-to-speech.ts';

/** Loudness is noted for stretches of this length. */
const STEP_MS = 10;
/** A stretch is quiet below this share of the loudest one: about -26 dB. */
const QUIET_SHARE = 0.05;
/** Slow speech, for a sentence whose length is not known yet: fewer words count as heard. */
const SLOW_LETTERS_PER_SECOND = 8;

/** The shape of one spoken sentence: its length, its words, its pauses. Samples are at the call's rate; none are kept. */
export class SentenceAudio {
  readonly text: string;
  readonly #sampleRate: number;
  readonly #stepSamples: number;
  /** Mean absolute sample of each stretch. */
  readonly #levels: number[] = [];
  readonly #toldWords: SpokenWord[] = [];
  #stepSum = 0;
  #length = 0;
  #isWhole = false;

  constructor(text: string, sampleRate: number) {
    this.text = text;
    this.#sampleRate = sampleRate;
    this.#stepSamples = (sampleRate * STEP_MS) / 1000;
  }

  /** Samples so far. */
  get length(): number {
    return this.#length;
  }

  /** All of the sentence was added. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The voice told no word ends. */
  get isEstimated(): boolean {
    return this.#toldWords.length === 0;
  }

  add(samples: Int16Array): void {
    let sum = this.#stepSum;
    let left = this.#stepSamples - (this.#length % this.#stepSamples);
    for (let index = 0; index < samples.length; index++) {
      sum += Math.abs(samples[index] as number);
      if (--left > 0) continue;
      this.#levels.push(sum / this.#stepSamples);
      sum = 0;
      left = this.#stepSamples;
    }
    this.#stepSum = sum;
    this.#length += samples.length;
  }

  /** Notes word ends the voice told, at the rate of its chunk. `dropped`: samples of the sentence's start that were not added. */
  addWords({ words, sampleRate }: SpeechChunk, dropped = 0): void {
    const scale = this.#sampleRate / sampleRate;
    for (const { text, endSample } of words ?? []) {
      this.#toldWords.push({ text, endSample: Math.max(0, endSample * scale - dropped) });
    }
  }

  /** No more samples will come. */
  finish(): void {
    this.#isWhole = true;
  }

  /** The words in the spelling of the text, and where each ends, in samples from the start of the sentence. */
  words(): readonly SpokenWord[] {
    const written = this.text.split(/\s+/).filter((word) => word !== '');
    if (this.isEstimated) return this.#estimate(written);
    // A voice that speaks "Dr." as "doctor" still has as many words; one that does not has its own spelling.
    if (written.length !== this.#toldWords.length) return this.#toldWords;
    return this.#toldWords.map((word, index) => ({ text: written[index] ?? word.text, endSample: word.endSample }));
  }

  /**
   * The last place between two words at or before `sample`, at most `reach` samples back; `sample` itself where there is
   * none. The start of the sentence is such a place.
   */
  pauseBefore(sample: number, reach: number): number {
    const earliest = sample - reach;
    const told = this.#toldWords.findLast((word) => word.endSample <= sample);
    const pause = told ? told.endSample : (this.#quietBefore(sample) ?? 0);
    return pause >= earliest ? pause : sample;
  }

  #quietBefore(sample: number): number | null {
    const limit = this.#quietLimit();
    let step = Math.min(Math.floor(sample / this.#stepSamples), this.#levels.length - 1);
    for (; step >= 0; step--) {
      if ((this.#levels[step] ?? 0) < limit) return Math.min(sample, (step + 1) * this.#stepSamples);
    }
    return null;
  }

  /** Spreads the words over the voiced stretches by their letters. */
  #estimate(written: readonly string[]): SpokenWord[] {
    const letters = written.reduce((sum, word) => sum + word.length, 0);
    const voiced = this.#voicedSteps();
    const known = voiced.length * this.#stepSamples;
    const whole = this.#isWhole ? known : Math.max(known, (letters / SLOW_LETTERS_PER_SECOND) * this.#sampleRate);
    let passed = 0;
    return written.map((text) => {
      passed += text.length;
      return { text, endSample: this.#place((passed / letters) * whole, voiced) };
    });
  }

  /** Where so many voiced samples have passed. */
  #place(voicedSamples: number, voiced: readonly number[]): number {
    const steps = Math.ceil(voicedSamples / this.#stepSamples);
    const last = voiced[steps - 1];
    if (last !== undefined) return (last + 1) * this.#stepSamples;
    return this.#length + Math.max(1, voicedSamples - voiced.length * this.#stepSamples);
  }

  #voicedSteps(): number[] {
    const limit = this.#quietLimit();
    return this.#levels.flatMap((level, step) => (level >= limit ? [step] : []));
  }

  #quietLimit(): number {
    return Math.max(1, this.#levels.reduce((top, level) => Math.max(top, level), 0) * QUIET_SHARE);
  }
}
