import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { writeWav } from '../../audio/wav.ts';
import { AppError } from '../../core/errors.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type {
  SpeechToText,
  SpeechToTextListener,
  SpeechToTextOptions,
  SpeechToTextSession,
} from '../../core/ports/speech-to-text.ts';
import { openUtteranceSession, type Utterance } from '../utterance-session.ts';
import { type Connection, PROVIDER_NAME } from './connection.ts';
import { OPENAI_DEFAULTS } from './settings.ts';

const answerSchema = Type.Object({ text: Type.String() });

/** Recognition over `/audio/transcriptions`: the whole utterance goes as a WAV file once it is finished. */
export function openSpeechToText(connection: Connection, log: EventLog, modelId?: string): SpeechToText {
  return new OpenAiSpeechToText(
    connection,
    log,
    modelId ?? connection.settings.speechToTextModel ?? OPENAI_DEFAULTS.speechToTextModel,
  );
}

class OpenAiSpeechToText implements SpeechToText {
  readonly name = PROVIDER_NAME;
  readonly capabilities = { hasInterim: false, isGrammarOnly: false } as const;
  readonly #connection: Connection;
  readonly #log: EventLog;
  readonly #modelId: string;
  readonly #closing = new AbortController();

  constructor(connection: Connection, log: EventLog, modelId: string) {
    this.#connection = connection;
    this.#log = log;
    this.#modelId = modelId;
  }

  open(options: SpeechToTextOptions, listener: SpeechToTextListener): SpeechToTextSession {
    return openUtteranceSession(
      {
        ...options,
        log: this.#log,
        providerSignal: this.#closing.signal,
        recognise: (utterance, signal) => this.#transcribe(utterance, signal),
      },
      listener,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#connection.close();
  }

  async #transcribe(utterance: Utterance, signal: AbortSignal): Promise<string> {
    using patience = this.#connection.patience(signal);
    try {
      const response = await this.#connection.post('/audio/transcriptions', this.#formOf(utterance), patience);
      return readAnswer(await response.text());
    } catch (error) {
      throw this.#connection.error(error);
    }
  }

  /** Only fields every imitation knows: model, file, language, response_format. */
  #formOf(utterance: Utterance): FormData {
    const form = new FormData();
    const audio = new Blob([writeWav(utterance)], { type: 'audio/wav' });
    form.append('file', audio, 'utterance.wav');
    form.append('model', this.#modelId);
    // ISO 639-1 is what the API takes, of a BCP 47 tag its first part.
    form.append('language', utterance.language.split('-')[0] ?? 'en');
    form.append('response_format', 'json');
    return form;
  }
}

function readAnswer(body: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    parsed = undefined;
  }
  if (Value.Check(answerSchema, parsed)) return (parsed as Static<typeof answerSchema>).text.trim();
  throw new AppError('provider_failed', { detail: `${PROVIDER_NAME} answered a transcription without text` });
}
