import { AppError, toAppError } from '../core/errors.ts';
import type { UtteranceId } from '../core/ids.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { SpeechToTextListener, SpeechToTextOptions, SpeechToTextSession } from '../core/ports/speech-to-text.ts';

/** One thing the caller said, whole. */
export type Utterance = {
  readonly samples: Int16Array;
  /** Hz */
  readonly sampleRate: number;
  readonly language: string;
  /** As expected when the utterance was finished. */
  readonly phrases: readonly string[];
};

/** Turns a whole utterance into words; empty when nothing was understood. The signal aborts when nobody waits any more. */
export type Recognise = (utterance: Utterance, signal: AbortSignal) => Promise<string>;

export type UtteranceSessionOptions = SpeechToTextOptions & {
  readonly recognise: Recognise;
  readonly log: EventLog;
  /** Told of each new set of expected phrases. */
  readonly onExpect?: (phrases: readonly string[]) => void;
  /** Aborts when the provider is disposed of: what was finished then fails. */
  readonly providerSignal: AbortSignal;
};

/** The longest utterance kept; what a caller says after that is dropped, since the turn ended long ago (20 s by default). */
const MAX_UTTERANCE_SECONDS = 30;
const FIRST_BUFFER_SECONDS = 4;

/** A call's session with a recogniser that takes whole utterances: collects the audio, asks at `finish`, answers exactly once. */
export function openUtteranceSession(
  options: UtteranceSessionOptions,
  listener: SpeechToTextListener,
): SpeechToTextSession {
  return new UtteranceSession(options, listener);
}

class UtteranceSession implements SpeechToTextSession {
  readonly #options: UtteranceSessionOptions;
  readonly #listener: SpeechToTextListener;
  #phrases: readonly string[] = [];
  /** Made with the first audio: a call that is led by keys brings none. */
  #buffer = new Int16Array(0);
  #length = 0;
  /** The utterance whose audio comes in. */
  #open: UtteranceId | null = null;
  readonly #asked = new Map<UtteranceId, AbortController>();
  #isClosed = false;

  constructor(options: UtteranceSessionOptions, listener: SpeechToTextListener) {
    this.#options = options;
    this.#listener = listener;
  }

  expect(phrases: readonly string[]): void {
    if (this.#isClosed) return;
    this.#phrases = [...phrases];
    this.#options.onExpect?.(this.#phrases);
  }

  begin(utteranceId: UtteranceId): void {
    if (this.#isClosed) return;
    this.#open = utteranceId;
    this.#length = 0;
  }

  write(samples: Int16Array): void {
    if (this.#open === null) return;
    const room = MAX_UTTERANCE_SECONDS * this.#options.sampleRate - this.#length;
    const taken = samples.length <= room ? samples : samples.subarray(0, Math.max(0, room));
    if (this.#length + taken.length > this.#buffer.length) this.#grow(this.#length + taken.length);
    this.#buffer.set(taken, this.#length);
    this.#length += taken.length;
  }

  finish(): void {
    const utteranceId = this.#open;
    if (utteranceId === null) return;
    this.#open = null;
    const utterance: Utterance = {
      samples: this.#buffer.slice(0, this.#length),
      sampleRate: this.#options.sampleRate,
      language: this.#options.language,
      phrases: this.#phrases,
    };
    void this.#answer(utteranceId, utterance);
  }

  cancel(): void {
    if (this.#open !== null) this.#open = null;
    else this.#dropAnswers();
  }

  close(): void {
    this.#isClosed = true;
    this.#open = null;
    this.#dropAnswers();
  }

  /** Asks, and tells the listener after the verb has returned. Never rejects. */
  async #answer(utteranceId: UtteranceId, utterance: Utterance): Promise<void> {
    const drop = new AbortController();
    this.#asked.set(utteranceId, drop);
    const signal = AbortSignal.any([drop.signal, this.#options.providerSignal]);
    const outcome = await this.#recognise(utterance, signal);
    if (drop.signal.aborted) return;
    this.#asked.delete(utteranceId);
    try {
      if (typeof outcome === 'string') this.#listener.final(utteranceId, outcome);
      else this.#listener.failed(utteranceId, outcome);
    } catch (error) {
      this.#options.log.error('speech_listener_failed', {}, error);
    }
  }

  async #recognise(utterance: Utterance, signal: AbortSignal): Promise<string | AppError> {
    await Promise.resolve();
    if (utterance.samples.length === 0) return '';
    try {
      signal.throwIfAborted();
      return await this.#options.recognise(utterance, signal);
    } catch (error) {
      if (!this.#options.providerSignal.aborted) return toAppError(error);
      return new AppError('provider_failed', { detail: 'the recogniser is being shut down', cause: error });
    }
  }

  #dropAnswers(): void {
    for (const drop of this.#asked.values()) drop.abort();
    this.#asked.clear();
  }

  #grow(needed: number): void {
    const grown = new Int16Array(
      Math.max(needed, this.#buffer.length * 2, FIRST_BUFFER_SECONDS * this.#options.sampleRate),
    );
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
