import { Resampler } from '../audio/resampler.ts';
import type { SpeechChunk, SpeechRequest, TextToSpeech } from '../core/ports/text-to-speech.ts';

const BYTES_PER_SAMPLE = 2;
/** About half an hour of speech at 8 kHz. */
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;

/** Whose voice says a sentence, besides the request. */
export type Speaker = Pick<TextToSpeech, 'name' | 'synthesize'>;

/**
 * Speech of sentences that come again and again (greetings, questions of a flow, goodbyes), kept for all calls of the
 * process. Bounded in bytes; the sentence unused for longest goes first.
 */
export class SentenceCache {
  readonly #maxBytes: number;
  /** In the order of their last use. */
  readonly #entries = new Map<string, readonly SpeechChunk[]>();
  #bytes = 0;

  constructor(maxBytes: number = DEFAULT_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * As `speaker.synthesize`, at the rate the call plays at, from memory where it was said to its end before: converting a greeting
   * anew took a third of the time of a call's set-up (`bench sip-setup`).
   */
  async *synthesize(speaker: Speaker, request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechChunk> {
    const key = keyOf(speaker, request);
    const known = this.#entries.get(key);
    if (known) {
      this.#touch(key, known);
      yield* known;
      return;
    }
    const chunks: SpeechChunk[] = [];
    for await (const chunk of atRate(request.preferredSampleRate, speaker.synthesize(request, signal))) {
      chunks.push(chunk);
      yield chunk;
    }
    if (!signal.aborted) this.#keep(key, chunks);
  }

  /** Has sentences ready for the moment when the voice may not be, one after the other. Failures are nobody's loss. */
  warm(speaker: Speaker, requests: readonly SpeechRequest[], signal: AbortSignal): void {
    const [next, ...others] = requests;
    if (next === undefined || signal.aborted) return;
    const goOn = () => this.warm(speaker, others, signal);
    if (this.#entries.has(keyOf(speaker, next))) goOn();
    else this.#fill(speaker, next, signal).then(goOn, goOn);
  }

  async #fill(speaker: Speaker, request: SpeechRequest, signal: AbortSignal): Promise<void> {
    for await (const _chunk of this.synthesize(speaker, request, signal)) if (signal.aborted) return;
  }

  #touch(key: string, chunks: readonly SpeechChunk[]): void {
    this.#entries.delete(key);
    this.#entries.set(key, chunks);
  }

  #keep(key: string, chunks: readonly SpeechChunk[]): void {
    const bytes = sizeOf(chunks);
    if (bytes === 0 || bytes > this.#maxBytes || this.#entries.has(key)) return;
    this.#entries.set(key, chunks);
    this.#bytes += bytes;
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#entries.delete(oldest);
      this.#bytes -= sizeOf(old);
    }
  }
}

async function* atRate(sampleRate: number, chunks: AsyncIterable<SpeechChunk>): AsyncIterable<SpeechChunk> {
  let resampler: Resampler | undefined;
  for await (const chunk of chunks) {
    if (chunk.sampleRate === sampleRate) yield chunk;
    else {
      resampler ??= new Resampler(chunk.sampleRate, sampleRate);
      const scale = sampleRate / chunk.sampleRate;
      const words = chunk.words?.map(({ text, endSample }) => ({ text, endSample: endSample * scale }));
      yield { samples: resampler.convert(chunk.samples), sampleRate, ...(words ? { words } : {}) };
    }
  }
  if (resampler) yield { samples: resampler.flush(), sampleRate };
}

function keyOf(speaker: Speaker, { text, language, voice, preferredSampleRate }: SpeechRequest): string {
  return JSON.stringify([speaker.name, language, voice ?? null, preferredSampleRate, text]);
}

function sizeOf(chunks: readonly SpeechChunk[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.samples.length * BYTES_PER_SAMPLE, 0);
}
