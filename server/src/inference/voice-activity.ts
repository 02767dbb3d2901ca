import { Worker } from 'node:worker_threads';
import { createRingMemory } from '../audio/shared-ring.ts';
import { AppError } from '../core/errors.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type {
  VoiceActivityDetector,
  VoiceActivityListener,
  VoiceActivitySession,
} from '../core/ports/voice-activity-detector.ts';
import {
  type InferenceCommand,
  type InferenceNews,
  type InferenceWorkerData,
  ROW,
  type StreamNumber,
} from './messages.ts';
import { SAMPLE_RATE, type SessionDesk, VoiceSession } from './voice-session.ts';

export type VoiceActivityOptions = {
  /** Of the model, for labels and messages. */
  readonly name: string;
  /** A module that is a `VoiceModelModule`: loaded in the worker. */
  readonly voiceModel: URL;
  /** Calls at a time; each takes about 11 KB. */
  readonly maxSessions: number;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Audio that may wait for the worker; beyond it the oldest is dropped. */
const RING_MS = 500;
/** Loading the model took 70 ms; the rest is for a busy machine. */
const START_WITHIN_MS = 20_000;
const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 5_000;
/** A worker that lived so long has not died of its start. */
const STEADY_MS = 10_000;
/** The heap holds no audio and no model, so a leak shows here first. */
const HEAP_MB = 128;

/**
 * Starts the inference worker and waits for its model: one thread and one model for all calls. A worker that dies is
 * replaced; its sessions are told, and go on. Disposing closes all sessions and ends the thread.
 * @throws AppError internal when the model cannot be loaded.
 */
export async function startVoiceActivity(options: VoiceActivityOptions): Promise<VoiceActivityDetector> {
  const handle = new VoiceActivity(options);
  try {
    await handle.started;
  } catch (error) {
    await handle[Symbol.asyncDispose]();
    throw error;
  }
  return handle;
}

class VoiceActivity implements VoiceActivityDetector {
  readonly name: string;
  readonly started: Promise<void>;
  readonly #options: VoiceActivityOptions;
  readonly #sessions = new Set<VoiceSession>();
  readonly #listening = new Map<StreamNumber, VoiceSession>();
  readonly #freeRings: SharedArrayBuffer[] = [];
  readonly #desk: SessionDesk;
  #onStarted: (failure: AppError | null) => void = () => {};
  #windowSamples = 0;
  #nextStream: StreamNumber = 1;
  /** The streams the worker should have, for the next one. */
  readonly #streams = new Map<StreamNumber, InferenceCommand>();
  #worker: Worker | null = null;
  #startedMs = 0;
  #restartMs = FIRST_RESTART_MS;
  #restartTimer: Timer | null = null;
  #isDisposed = false;

  constructor(options: VoiceActivityOptions) {
    this.name = options.name;
    this.#options = options;
    this.#desk = {
      begin: (session, position) => this.#begin(session, position),
      end: (stream) => this.#end(stream),
      release: (session) => this.#release(session),
    };
    this.started = this.#firstStart();
  }

  get windowMs(): number {
    return (this.#windowSamples * 1000) / SAMPLE_RATE;
  }

  open(listener: VoiceActivityListener): VoiceActivitySession {
    const { maxSessions } = this.#options;
    if (this.#isDisposed) throw new AppError('draining', { detail: 'voice detection is stopping' });
    if (this.#sessions.size >= maxSessions) {
      throw new AppError('over_capacity', { detail: `voice detection serves ${maxSessions} calls at a time` });
    }
    const memory = this.#freeRings.pop() ?? createRingMemory((RING_MS * SAMPLE_RATE) / 1000);
    const session = new VoiceSession(memory, listener, this.#desk);
    this.#sessions.add(session);
    this.#publish();
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#restartTimer?.cancel();
    for (const session of [...this.#sessions]) session.close();
    await this.#worker?.terminate();
  }

  #begin(session: VoiceSession, position: number): StreamNumber {
    const stream = this.#nextStream++;
    const command: InferenceCommand = { type: 'open', stream, memory: session.memory, position };
    this.#listening.set(stream, session);
    this.#streams.set(stream, command);
    this.#worker?.postMessage(command);
    return stream;
  }

  #end(stream: StreamNumber): void {
    this.#listening.delete(stream);
    this.#streams.delete(stream);
    this.#worker?.postMessage({ type: 'close', stream } satisfies InferenceCommand);
  }

  #release(session: VoiceSession): void {
    this.#sessions.delete(session);
    this.#freeRings.push(session.memory);
    this.#publish();
  }

  #firstStart(): Promise<void> {
    const { name, clock } = this.#options;
    const started = new Promise<void>((resolve, reject) => {
      this.#onStarted = (failure) => (failure === null ? resolve() : reject(failure));
    });
    const detail = `the voice model ${name} was not ready within ${START_WITHIN_MS / 1000} s`;
    const timer = clock.after(START_WITHIN_MS, () => this.#onStarted(new AppError('internal', { detail })));
    this.#start();
    return started.finally(() => timer.cancel());
  }

  #start(): void {
    const { voiceModel, clock } = this.#options;
    const worker = new Worker(new URL('./inference-worker.ts', import.meta.url), {
      name: 'inference',
      workerData: { voiceModel: voiceModel.href } satisfies InferenceWorkerData,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    let cause: unknown;
    worker.on('message', (news: InferenceNews) => this.#hear(news));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => this.#died(code, cause));
    this.#worker = worker;
    this.#startedMs = clock.nowMs();
    for (const command of this.#streams.values()) worker.postMessage(command);
  }

  #hear(news: InferenceNews): void {
    if (news instanceof Float64Array) {
      this.#deliver(news);
      return;
    }
    this.#windowSamples = news.windowSamples;
    this.#onStarted(null);
  }

  #deliver(rows: Float64Array): void {
    const { metrics } = this.#options;
    let lost = 0;
    for (let at = 0; at < rows.length; at += ROW.length) {
      lost += rows[at + ROW.lost] as number;
      // Rows of a stream that was reset or closed meanwhile have no session any more.
      const session = this.#listening.get(rows[at + ROW.stream] as number);
      if (session) this.#guard(() => session.receive(rows, at));
    }
    metrics.count('voice_activity_windows_total', {}, rows.length / ROW.length);
    if (lost > 0) metrics.count('voice_activity_samples_dropped_total', {}, lost);
  }

  #died(code: number, cause: unknown): void {
    this.#worker = null;
    if (this.#isDisposed) return;
    const { clock, log, metrics, name } = this.#options;
    this.#onStarted(new AppError('internal', { detail: `the voice model ${name} cannot be loaded`, cause }));
    if (clock.nowMs() - this.#startedMs >= STEADY_MS) this.#restartMs = FIRST_RESTART_MS;
    log.error(
      'voice_activity.worker_died',
      { code, sessions: this.#sessions.size, restartInMs: this.#restartMs },
      cause,
    );
    metrics.count('voice_activity_worker_deaths_total');
    for (const session of [...this.#sessions]) this.#guard(() => session.restart());
    this.#restartTimer = clock.after(this.#restartMs, () => this.#start());
    this.#restartMs = Math.min(this.#restartMs * 2, LAST_RESTART_MS);
  }

  /** One call's mistake must not silence the others. */
  #guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#options.log.error('voice_activity.listener_failed', {}, error);
    }
  }

  #publish(): void {
    this.#options.metrics.gauge('voice_activity_sessions', this.#sessions.size);
  }
}
