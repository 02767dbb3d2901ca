import { AppError } from '../../core/errors.ts';
import type { SpeechChunk, SpeechRequest, TextToSpeech } from '../../core/ports/text-to-speech.ts';
import { type Connection, PROVIDER_NAME } from './connection.ts';
import { OPENAI_DEFAULTS } from './settings.ts';
import { SpeechStream } from './speech-stream.ts';

/** Raw audio goes by all of these; a WAV file is told by its first bytes. */
const AUDIO_TYPES =
  /^(audio\/(pcm|l16|raw|wav|wave|x-wav|vnd\.wave)|application\/octet-stream|binary\/octet-stream)\b/i;
/** "The maximum length is 4096 characters" (OpenAI, API reference, Create speech). */
const MAX_TEXT_CHARACTERS = 4_096;

/** A voice over `/audio/speech`: audio is passed on as it comes. The AI SDK waits for the whole answer, hence our own request. */
export function openTextToSpeech(connection: Connection, modelId?: string): TextToSpeech {
  return new OpenAiTextToSpeech(
    connection,
    modelId ?? connection.settings.textToSpeechModel ?? OPENAI_DEFAULTS.textToSpeechModel,
  );
}

class OpenAiTextToSpeech implements TextToSpeech {
  readonly name = PROVIDER_NAME;
  readonly #connection: Connection;
  readonly #modelId: string;

  constructor(connection: Connection, modelId: string) {
    this.#connection = connection;
    this.#modelId = modelId;
  }

  async *synthesize(request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechChunk> {
    if (signal.aborted || !/[\p{L}\p{N}]/u.test(request.text)) return;
    if (request.text.length > MAX_TEXT_CHARACTERS) {
      throw new AppError('provider_refused', {
        detail: `${PROVIDER_NAME} takes at most ${MAX_TEXT_CHARACTERS} characters at once, got ${request.text.length}`,
      });
    }
    using patience = this.#connection.patience(signal);
    try {
      const voice = request.voice ?? this.#connection.settings.voice ?? OPENAI_DEFAULTS.voice;
      const body = { model: this.#modelId, input: request.text, voice, response_format: 'pcm' };
      const response = await this.#connection.post('/audio/speech', body, patience);
      checkType(response.headers.get('content-type') ?? '');
      const stream = new SpeechStream();
      let isSilent = true;
      for await (const bytes of response.body ?? []) {
        patience.heard();
        const chunk = stream.push(bytes);
        if (!chunk) continue;
        isSilent = false;
        yield chunk;
      }
      if (isSilent) throw new AppError('provider_failed', { detail: `${PROVIDER_NAME} answered without any audio` });
    } catch (error) {
      if (signal.aborted) return;
      throw this.#connection.error(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
  }
}

function checkType(contentType: string): void {
  if (contentType === '' || AUDIO_TYPES.test(contentType)) return;
  throw new AppError('provider_failed', {
    detail: `${PROVIDER_NAME} was asked for pcm and answered ${contentType.slice(0, 60)}`,
  });
}
