import { AppError } from '@assistant/server/core/errors';
import type { Clock } from '@assistant/server/core/ports/clock';
import type { SpeechChunk, SpeechRequest, TextToSpeech } from '@assistant/server/core/ports/text-to-speech';
import { sleep } from './sleep.ts';
import type { WordBook } from './word-book.ts';

export type ScriptedTextToSpeechOptions = {
  readonly firstChunkAfterMs?: number;
  readonly nextChunkAfterMs?: number;
  readonly chunkMs?: number;
  readonly tellsWords?: boolean;
  /** Sentences that fail: before the first chunk. */
  readonly failsOn?: (text: string) => boolean;
};

/** Speaks the words of a word book, chunk by chunk on the clock. */
export class ScriptedTextToSpeech implements TextToSpeech {
  readonly name = 'scripted';
  /** What it was asked to say, in order. */
  readonly requests: string[] = [];
  /** Sentences being made now. */
  running = 0;
  failsOn: (text: string) => boolean;
  readonly #clock: Clock;
  readonly #book: WordBook;
  readonly #options: Required<Omit<ScriptedTextToSpeechOptions, 'failsOn'>>;

  constructor(clock: Clock, book: WordBook, options: ScriptedTextToSpeechOptions = {}) {
    const { failsOn = () => false, ...times } = options;
    this.#clock = clock;
    this.#book = book;
    this.failsOn = failsOn;
    this.#options = { firstChunkAfterMs: 50, nextChunkAfterMs: 10, chunkMs: 100, tellsWords: true, ...times };
  }

  async *synthesize(request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechChunk> {
    const { firstChunkAfterMs, nextChunkAfterMs, chunkMs, tellsWords } = this.#options;
    this.requests.push(request.text);
    this.running++;
    try {
      await sleep(this.#clock, firstChunkAfterMs, signal);
      if (signal.aborted) return;
      if (this.failsOn(request.text)) throw new AppError('provider_failed', { detail: 'scripted' });
      const samples = this.#book.encode(request.text);
      const words = request.text.split(' ').map((text, index) => ({
        text,
        endSample: (index * this.#book.stepMs + this.#book.wordMs) * 8,
      }));
      for (let at = 0; at < samples.length; at += chunkMs * 8) {
        if (at > 0) await sleep(this.#clock, nextChunkAfterMs, signal);
        if (signal.aborted) return;
        const to = at + chunkMs * 8;
        const inChunk = words.filter((word) => word.endSample > at && word.endSample <= to);
        const chunk = { samples: samples.slice(at, to), sampleRate: 8_000 };
        yield tellsWords && inChunk.length > 0 ? { ...chunk, words: inChunk } : chunk;
      }
    } finally {
      this.running--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
