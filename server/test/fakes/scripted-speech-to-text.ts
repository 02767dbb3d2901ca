import { AppError } from '@assistant/server/core/errors';
import type { UtteranceId } from '@assistant/server/core/ids';
import type { Clock } from '@assistant/server/core/ports/clock';
import type {
  SpeechToText,
  SpeechToTextListener,
  SpeechToTextOptions,
  SpeechToTextSession,
} from '@assistant/server/core/ports/speech-to-text';
import type { WordBook } from './word-book.ts';

export type ScriptedSpeechToTextOptions = {
  readonly hasInterim?: boolean;
  /** From the end of an utterance to its text. */
  readonly finalAfterMs?: number;
  /** What happens instead of an answer, utterance by utterance. */
  readonly troubles?: readonly ('fails' | 'silent' | null)[];
};

/** Reads the words out of caller audio that was written with the same word book: what is cut off is not understood. */
export class ScriptedSpeechToText implements SpeechToText {
  readonly name = 'scripted';
  readonly capabilities: { readonly hasInterim: boolean; readonly isGrammarOnly: boolean };
  openSessions = 0;
  /** The phrases last asked for. */
  expected: readonly string[] = [];
  readonly #clock: Clock;
  readonly #book: WordBook;
  readonly #finalAfterMs: number;
  readonly #troubles: ('fails' | 'silent' | null)[];

  constructor(clock: Clock, book: WordBook, options: ScriptedSpeechToTextOptions = {}) {
    this.#clock = clock;
    this.#book = book;
    this.capabilities = { hasInterim: options.hasInterim ?? false, isGrammarOnly: false };
    this.#finalAfterMs = options.finalAfterMs ?? 100;
    this.#troubles = [...(options.troubles ?? [])];
  }

  open(_options: SpeechToTextOptions, listener: SpeechToTextListener): SpeechToTextSession {
    this.openSessions++;
    let isOpen = true;
    let current: { id: UtteranceId; samples: number[]; told: string } | null = null;
    return {
      expect: (phrases) => {
        this.expected = phrases;
      },
      begin: (id) => {
        current = { id, samples: [], told: '' };
      },
      write: (samples) => {
        if (!current) return;
        current.samples.push(...samples);
        const text = this.#book.text(current.samples);
        if (!this.capabilities.hasInterim || text === current.told) return;
        current.told = text;
        listener.interim(current.id, text);
      },
      finish: () => {
        const finished = current;
        current = null;
        if (!finished) return;
        const trouble = this.#troubles.shift() ?? null;
        if (trouble === 'silent') return;
        this.#clock.after(this.#finalAfterMs, () => {
          if (!isOpen) return;
          if (trouble === 'fails') listener.failed(finished.id, new AppError('provider_failed'));
          else listener.final(finished.id, this.#book.text(finished.samples));
        });
      },
      cancel: () => {
        current = null;
      },
      close: () => {
        if (isOpen) this.openSessions--;
        isOpen = false;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
