import { availableParallelism } from 'node:os';
import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import type {
  SpeechToText,
  SpeechToTextListener,
  SpeechToTextOptions,
  SpeechToTextSession,
} from '../../core/ports/speech-to-text.ts';
import { type EnginePool, openEnginePool } from '../engine-pool.ts';
import { openUtteranceSession, type Utterance } from '../utterance-session.ts';
import { type BatchJob, startBatchEngine } from './batch-engine.ts';
import { type Dictionary, readDictionary } from './dictionary.ts';
import type { PocketsphinxInstallation } from './find-pocketsphinx.ts';
import { buildGrammar, type Grammar } from './grammar.ts';
import { toModelRate } from './model-rate.ts';

export type PocketsphinxOptions = {
  readonly installation: PocketsphinxInstallation;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** 36 to 100 MB each; one answers some 60 utterances a second. */
const MAX_ENGINES = 4;
const MAX_WAITING = 64;
/** After so long the turn has given up (TurnSettings.recognitionTimeoutMs). */
const MAX_WAIT_MS = 8_000;
const JOB_TIMEOUT_MS = 10_000;
const IDLE_MS = 60_000;

/** Opens pocketsphinx: understands the expected phrases and nothing else, US English, and cannot tell other speech from them.
 *  No process starts before the first session. @throws AppError not_configured when the dictionary cannot be read. */
export async function openPocketsphinx(options: PocketsphinxOptions): Promise<Pocketsphinx> {
  const dictionary = await readDictionary(options.installation.dictionary).catch((cause) => {
    throw new AppError('not_configured', { detail: `no dictionary at ${options.installation.dictionary}`, cause });
  });
  const pool = openEnginePool<BatchJob, string>({
    name: 'pocketsphinx',
    start: () => startBatchEngine(options.installation, options.clock),
    maxEngines: Math.min(MAX_ENGINES, availableParallelism()),
    maxWaiting: MAX_WAITING,
    maxWaitMs: MAX_WAIT_MS,
    jobTimeoutMs: JOB_TIMEOUT_MS,
    idleMs: IDLE_MS,
    clock: options.clock,
    log: options.log,
    metrics: options.metrics,
  });
  return new Pocketsphinx(pool, dictionary, options.log);
}

/** The provider; `unknownWords` is for checking a menu when it is saved. */
export class Pocketsphinx implements SpeechToText {
  readonly name = 'pocketsphinx';
  readonly capabilities = { hasInterim: false, isGrammarOnly: true } as const;
  readonly #pool: EnginePool<BatchJob, string>;
  readonly #dictionary: Dictionary;
  readonly #log: EventLog;
  readonly #closing = new AbortController();

  constructor(pool: EnginePool<BatchJob, string>, dictionary: Dictionary, log: EventLog) {
    this.#pool = pool;
    this.#dictionary = dictionary;
    this.#log = log;
  }

  open(options: SpeechToTextOptions, listener: SpeechToTextListener): SpeechToTextSession {
    // The caller speaks in some seconds, and the model takes up to half a second to load.
    this.#pool.warm();
    return openUtteranceSession(
      {
        ...options,
        log: this.#log,
        providerSignal: this.#closing.signal,
        onExpect: (phrases) => {
          const words = this.unknownWords(phrases).join(' ');
          if (words) this.#log.warn('speech_words_unknown', { provider: this.name, words });
        },
        recognise: (utterance, signal) => this.#recognise(utterance, signal),
      },
      listener,
    );
  }

  /** Words that cannot be understood: a phrase with one of them is never recognised. */
  unknownWords(phrases: readonly string[]): readonly string[] {
    return this.#grammarOf(phrases).unknownWords;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#pool[Symbol.asyncDispose]();
  }

  async #recognise(utterance: Utterance, signal: AbortSignal): Promise<string> {
    const grammar = this.#grammarOf(utterance.phrases);
    if (grammar.fsg === null) return '';
    const samples = toModelRate(utterance.samples, utterance.sampleRate);
    return grammar.phraseOf(await this.#pool.run({ samples, fsg: grammar.fsg }, signal));
  }

  #grammarOf(phrases: readonly string[]): Grammar {
    return buildGrammar(phrases, (word) => this.#dictionary.has(word));
  }
}
