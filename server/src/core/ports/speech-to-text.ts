import type { AppError } from '../errors.ts';
import type { UtteranceId } from '../ids.ts';

export type SpeechToTextCapabilities = {
  /** Interim words arrive while the caller still speaks. */
  readonly hasInterim: boolean;
  /** Understands only the phrases it is told to expect, and cannot reject others. */
  readonly isGrammarOnly: boolean;
};

export interface SpeechToTextListener {
  interim(utteranceId: UtteranceId, text: string): void;
  /** Exactly one of `final` and `failed` for each finished utterance that was not cancelled. Empty text: nothing understood. */
  final(utteranceId: UtteranceId, text: string): void;
  failed(utteranceId: UtteranceId, error: AppError): void;
}

export type SpeechToTextOptions = {
  /** Hz of the samples that `write` will get. */
  readonly sampleRate: number;
  readonly language: string;
};

/** One call's recogniser. Utterances come one after the other: begin, write…, then finish or cancel. Verbs never throw. */
export interface SpeechToTextSession {
  /** The phrases that make sense next; a free-form recogniser may take them as hints. Holds until the next call. */
  expect(phrases: readonly string[]): void;
  begin(utteranceId: UtteranceId): void;
  /** Caller audio, pre-roll first; copied before the call returns. */
  write(samples: Int16Array): void;
  finish(): void;
  cancel(): void;
  close(): void;
}

/** Turns speech into words. */
export interface SpeechToText extends AsyncDisposable {
  readonly name: string;
  readonly capabilities: SpeechToTextCapabilities;
  open(options: SpeechToTextOptions, listener: SpeechToTextListener): SpeechToTextSession;
}
