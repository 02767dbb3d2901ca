import { availableParallelism } from 'node:os';
import { readWav } from '../../audio/wav.ts';
import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import type { SpeechChunk, SpeechRequest, TextToSpeech } from '../../core/ports/text-to-speech.ts';
import { type EnginePool, openEnginePool } from '../engine-pool.ts';
import { findProgram } from '../find-program.ts';
import { startNativeEngine } from './native-engine.ts';
import type { Sentence } from './sentence.ts';
import { hasWords, MAX_TEXT_CHARACTERS, speakableText } from './speakable-text.ts';
import { startWasmEngine } from './wasm-engine.ts';

/** The voices of flite 2.2, all US English: both builds have them. kal speaks at 8 kHz, the others at 16 kHz.
 *  An engine takes any other name for kal without a word, so names are checked before. */
export const FLITE_VOICES = ['rms', 'slt', 'awb', 'kal16', 'kal'] as const;

/** `auto` takes the system's flite when it is installed, `system` insists on it, `wasm` is the one from npm. */
export type FliteEngine = 'auto' | 'system' | 'wasm';

export type FliteOptions = {
  readonly engine?: FliteEngine | undefined;
  /** Spoken with where a request names no voice; rms otherwise. */
  readonly voice?: string | undefined;
  /** Where the system's flite is looked for, written like PATH. */
  readonly searchPath: string;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** 190 MB each: more do not pay on the way to the first sentence. */
const MAX_ENGINES = 4;
const MAX_WAITING = 64;
const MAX_WAIT_MS = 8_000;
/** The slowest sentence seen took 0.9 s, and a start 0.3 s; the rest is for a busy machine. */
const JOB_TIMEOUT_MS = 10_000;
const IDLE_MS = 60_000;

/** Opens flite: speech without network or key, US English only, a whole sentence at once (Int16 at 16 kHz, kal 8 kHz).
 *  Nothing starts before the first sentence. @throws AppError not_configured when `system` is asked for and absent,
 *  invalid_parameters for an unknown default voice. */
export async function openFlite(options: FliteOptions): Promise<TextToSpeech> {
  const voice = options.voice ?? FLITE_VOICES[0];
  if (!isVoice(voice)) throw new AppError('invalid_parameters', { detail: unknownVoice(voice) });
  const program = options.engine === 'wasm' ? null : await findProgram('flite', options.searchPath);
  if (options.engine === 'system' && !program) {
    throw new AppError('not_configured', {
      detail: `no flite program in ${options.searchPath}: install it (apt-get install flite) or choose the engine wasm`,
    });
  }
  const pool = openEnginePool<Sentence, Uint8Array>({
    name: 'flite',
    start: program ? () => startNativeEngine(program) : startWasmEngine,
    maxEngines: Math.min(MAX_ENGINES, availableParallelism()),
    maxWaiting: MAX_WAITING,
    maxWaitMs: MAX_WAIT_MS,
    jobTimeoutMs: JOB_TIMEOUT_MS,
    idleMs: IDLE_MS,
    clock: options.clock,
    log: options.log,
    metrics: options.metrics,
  });
  return new Flite(pool, voice);
}

class Flite implements TextToSpeech {
  readonly name = 'flite';
  readonly #pool: EnginePool<Sentence, Uint8Array>;
  readonly #defaultVoice: string;

  constructor(pool: EnginePool<Sentence, Uint8Array>, defaultVoice: string) {
    this.#pool = pool;
    this.#defaultVoice = defaultVoice;
  }

  async *synthesize(request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechChunk> {
    const sentence = checkedSentence(request, this.#defaultVoice);
    if (!sentence || signal.aborted) return;
    try {
      yield readWav(await this.#pool.run(sentence, signal));
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof AppError && error.code === 'provider_failed') throw error;
      throw new AppError('provider_failed', { detail: `flite: ${String(error)}`, cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}

/** Null when there is nothing to say. */
function checkedSentence(request: SpeechRequest, defaultVoice: string): Sentence | null {
  const voice = request.voice ?? defaultVoice;
  if (!isVoice(voice)) throw new AppError('provider_refused', { detail: unknownVoice(voice) });
  if (request.text.length > MAX_TEXT_CHARACTERS) {
    throw new AppError('provider_refused', {
      detail: `flite takes at most ${MAX_TEXT_CHARACTERS} characters at once, got ${request.text.length}: send one sentence a request`,
    });
  }
  const text = speakableText(request.text);
  if (text) return { voice, text };
  if (!hasWords(request.text)) return null;
  throw new AppError('provider_refused', { detail: 'flite speaks US English in ASCII letters, and the text has none' });
}

function isVoice(name: string): boolean {
  return FLITE_VOICES.some((voice) => voice === name);
}

function unknownVoice(name: string): string {
  return `flite has no voice ${JSON.stringify(name.slice(0, 40))}, only ${FLITE_VOICES.join(', ')}`;
}
