/** A word of the text and where its sound ends, in samples from the start of the utterance at the chunk's rate. */
export type SpokenWord = { readonly text: string; readonly endSample: number };

/** A piece of speech, in order. */
export type SpeechChunk = {
  readonly samples: Int16Array;
  /** Hz; the same for all chunks of an utterance. */
  readonly sampleRate: number;
  /** Words that end in or before this chunk, where the voice tells; else left out and estimated by the listener. */
  readonly words?: readonly SpokenWord[];
};

export type SpeechRequest = {
  readonly text: string;
  readonly language: string;
  readonly voice?: string;
  /** The rate the call plays at, Hz: the engine may give another. */
  readonly preferredSampleRate: number;
};

/** Turns words into speech, one sentence a request. */
export interface TextToSpeech extends AsyncDisposable {
  readonly name: string;
  /** @throws AppError provider_failed or provider_refused; ends quietly when `signal` aborts. */
  synthesize(request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechChunk>;
}
