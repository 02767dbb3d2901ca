import type { SpeechChunk, SpeechRequest, TextToSpeech } from '@assistant/server/core/ports/text-to-speech';

const WORD_MS = 120;
const PAUSE_MS = 40;
const CHUNK_MS = 100;
const LOWEST_HZ = 400;
const STEP_HZ = 40;
/** Different words of one reply; between 400 and 2,920 Hz, so that a telephone line carries them. */
export const MOST_TONES = 64;
const LEVEL = 8_000;
/** A tone passes through zero for a sample or two; a pause is longer. */
const QUIET_LEVEL = 200;
const SHORTEST_PAUSE_MS = 4;
const EDGE_MS = 1;

/** A word found in audio; incomplete when it was cut. */
export type FoundTone = { readonly tone: number; readonly isComplete: boolean };

/**
 * A voice that says each word as a tone of its own, so that a recording tells which words were heard to their end, whatever codec
 * it went through. Words are spelled with their number behind a w: r3w12 is tone 12.
 */
export class ToneVoice implements TextToSpeech {
  readonly name = 'tones';
  readonly #tellsWords: boolean;

  /** @param tellsWords false: as the voices that do not say where a word ends. */
  constructor(tellsWords: boolean) {
    this.#tellsWords = tellsWords;
  }

  async *synthesize(request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechChunk> {
    const sampleRate = request.preferredSampleRate;
    const words = request.text.split(/\s+/).filter((word) => word !== '');
    const samples = tonesOf(words, sampleRate);
    const ends = words.map((text, index) => ({
      text,
      endSample: ((index * (WORD_MS + PAUSE_MS) + WORD_MS) * sampleRate) / 1000,
    }));
    const step = (CHUNK_MS * sampleRate) / 1000;
    for (let at = 0; at < samples.length; at += step) {
      await Promise.resolve();
      if (signal.aborted) return;
      const told = ends.filter(({ endSample }) => endSample > at && endSample <= at + step);
      const chunk = { samples: samples.slice(at, at + step), sampleRate };
      yield this.#tellsWords && told.length > 0 ? { ...chunk, words: told } : chunk;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The sound of words. */
export function tonesOf(words: readonly string[], sampleRate: number): Int16Array {
  const [word, step] = [(WORD_MS * sampleRate) / 1000, ((WORD_MS + PAUSE_MS) * sampleRate) / 1000];
  const samples = new Int16Array(words.length * step);
  for (const [index, text] of words.entries()) {
    const turn = (2 * Math.PI * frequencyOf(toneOf(text))) / sampleRate;
    for (let at = 0; at < word; at++) samples[index * step + at] = Math.round(LEVEL * Math.cos(turn * at));
  }
  return samples;
}

/** The tone a word is said as. */
export function toneOf(word: string): number {
  return Number(/w(\d+)/.exec(word)?.[1] ?? 0) % MOST_TONES;
}

function frequencyOf(tone: number): number {
  return LOWEST_HZ + tone * STEP_HZ;
}

/** The words in audio, in order. */
export function tonesIn(samples: Int16Array, sampleRate: number): FoundTone[] {
  const pause = (SHORTEST_PAUSE_MS * sampleRate) / 1000;
  const found: FoundTone[] = [];
  let [start, last] = [-1, -1];
  const close = () => {
    if (start >= 0) found.push(identify(samples.subarray(start, last + 1), sampleRate));
    start = -1;
  };
  for (let at = 0; at < samples.length; at++) {
    if (Math.abs(samples[at] ?? 0) < QUIET_LEVEL) continue;
    if (start >= 0 && at - last > pause) close();
    if (start < 0) start = at;
    last = at;
  }
  close();
  return found;
}

function identify(samples: Int16Array, sampleRate: number): FoundTone {
  const powers = Array.from({ length: MOST_TONES }, (_, tone) => powerAt(samples, frequencyOf(tone) / sampleRate));
  const isComplete = samples.length >= ((WORD_MS - EDGE_MS) * sampleRate) / 1000;
  return { tone: powers.indexOf(Math.max(...powers)), isComplete };
}

/** Goertzel's filter. @param share of the sample rate. */
function powerAt(samples: Int16Array, share: number): number {
  const factor = 2 * Math.cos(2 * Math.PI * share);
  let [one, two] = [0, 0];
  for (const sample of samples) [one, two] = [sample + factor * one - two, one];
  return one * one + two * two - factor * one * two;
}
