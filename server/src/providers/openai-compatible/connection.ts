import type { Clock } from '../../core/ports/clock.ts';
import { Patience } from './patience.ts';
import { OPENAI_DEFAULTS, type OpenAiSettings } from './settings.ts';
import { refusalError, transportError } from './vendor-error.ts';

/** Nobody on a telephone waits longer for a word. */
const SILENCE_LIMIT_MS = 10_000;
/** Of an error's body: enough for the vendor's words. */
const MAX_ERROR_BYTES = 8_192;

export const PROVIDER_NAME = 'openai-compatible';

/** One server and the key for it. */
export class Connection {
  readonly settings: OpenAiSettings;
  readonly baseUrl: string;
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  constructor(settings: OpenAiSettings, clock: Clock) {
    this.settings = settings;
    this.baseUrl = (settings.baseUrl ?? OPENAI_DEFAULTS.baseUrl).replace(/\/+$/, '');
    this.#clock = clock;
  }

  /** A time limit for one request, which ends with the caller's signal and with this connection too. */
  patience(signal: AbortSignal): Patience {
    const options = { clock: this.#clock, provider: PROVIDER_NAME, limitMs: SILENCE_LIMIT_MS };
    return new Patience(options, signal, this.#closing.signal);
  }

  /** Posts and gives the answer once its head is there. @throws AppError provider_failed or provider_refused. */
  async post(path: string, body: FormData | object, patience: Patience): Promise<Response> {
    const { apiKey } = this.settings;
    const isForm = body instanceof FormData;
    const response = await fetch(`${this.baseUrl}${path}`, {
      method: 'POST',
      headers: {
        ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
        ...(isForm ? {} : { 'content-type': 'application/json' }),
      },
      body: isForm ? body : JSON.stringify(body),
      // A key goes to the server it was given for and to no other.
      redirect: 'error',
      signal: patience.signal,
    }).catch((error: unknown) => {
      throw this.error(error);
    });
    patience.heard();
    if (response.ok) return response;
    const refusal = {
      status: response.status,
      body: await startOf(response),
      retryAfter: response.headers.get('retry-after'),
    };
    throw refusalError(PROVIDER_NAME, refusal, apiKey);
  }

  /** Anything thrown under way, as an AppError without the key. */
  error(error: unknown): Error {
    const reason = this.#closing.signal.aborted ? new Error('it is being shut down') : error;
    return transportError(PROVIDER_NAME, reason, this.settings.apiKey);
  }

  close(): void {
    this.#closing.abort();
  }
}

async function startOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of response.body ?? []) {
      pieces.push(piece);
      size += piece.length;
      if (size >= MAX_ERROR_BYTES) break;
    }
  } catch {
    // What came so far must do.
  }
  return Buffer.concat(pieces).toString('utf8', 0, MAX_ERROR_BYTES);
}
