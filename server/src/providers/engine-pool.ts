import { AppError } from '../core/errors.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';

/** A speech program outside our process that does one job at a time. */
export interface Engine<Job, Result> {
  /** @throws AppError when this job fails; the engine may live on. */
  run(job: Job): Promise<Result>;
  /** False once it cannot take another job. */
  readonly isAlive: boolean;
  /** Ends it and frees what it holds; a job under way then fails. Idempotent. */
  close(): Promise<void>;
}

export type EnginePoolOptions<Job, Result> = {
  /** Of the engine, for labels and messages. */
  readonly name: string;
  readonly start: () => Promise<Engine<Job, Result>>;
  readonly maxEngines: number;
  /** Jobs that wait for an engine; one more is refused at once. */
  readonly maxWaiting: number;
  /** A job that got no engine within this time is refused. */
  readonly maxWaitMs: number;
  /** An engine that takes longer over one job, its start included, is killed. */
  readonly jobTimeoutMs: number;
  /** An engine without work for so long is ended. */
  readonly idleMs: number;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Engines started as work comes, ended when idle, replaced when they die. */
export interface EnginePool<Job, Result> extends AsyncDisposable {
  /** The oldest waiting job is served first; a job whose engine dies gets one more try. On abort the result is dropped and the
   *  promise rejects with the signal's reason. @throws AppError provider_failed when the queue is full, the wait too long or the engine fails. */
  run(job: Job, signal: AbortSignal): Promise<Result>;
  /** Starts an engine if there is none: work is on its way. Never throws; what is wrong is told to the first job. */
  warm(): void;
  readonly engineCount: number;
}

type Task<Job, Result> = {
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  attempt: number;
  isSettled: boolean;
  waiting: Timer | undefined;
};
type Slot<Job, Result> = { engine: Engine<Job, Result> | undefined; isBusy: boolean; idle: Timer | undefined };

const MAX_ATTEMPTS = 2;

/** Opens an empty pool: the first job starts the first engine. */
export function openEnginePool<Job, Result>(options: EnginePoolOptions<Job, Result>): EnginePool<Job, Result> {
  return new Pool(options);
}

class Pool<Job, Result> implements EnginePool<Job, Result> {
  readonly #options: EnginePoolOptions<Job, Result>;
  readonly #slots = new Set<Slot<Job, Result>>();
  readonly #waiting: Task<Job, Result>[] = [];
  readonly #working = new Set<Promise<void>>();
  readonly #labels: { readonly engine: string };
  #isClosed = false;

  constructor(options: EnginePoolOptions<Job, Result>) {
    this.#options = options;
    this.#labels = { engine: options.name };
  }

  get engineCount(): number {
    return this.#slots.size;
  }

  async run(job: Job, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    if (this.#isClosed) throw this.#failure('it is being shut down');
    if (this.#waiting.length >= this.#options.maxWaiting) {
      throw this.#failure(`${this.#waiting.length} requests wait for it already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const task: Task<Job, Result> = { job, resolve, reject, attempt: 0, isSettled: false, waiting: undefined };
    const abort = () => this.#settle(task, () => reject(signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    task.waiting = this.#options.clock.after(this.#options.maxWaitMs, () =>
      this.#settle(task, () => reject(this.#failure(`no engine was free within ${this.#options.maxWaitMs} ms`))),
    );
    this.#waiting.push(task);
    this.#dispatch();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  warm(): void {
    if (this.#isClosed || this.#slots.size > 0) return;
    const slot = this.#newSlot();
    if (!slot) return;
    slot.isBusy = true;
    const work = this.#warmUp(slot).finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const task of [...this.#waiting]) {
      this.#settle(task, () => task.reject(this.#failure('it is being shut down')));
    }
    await Promise.all([...this.#slots].map((slot) => this.#retire(slot)));
    await Promise.all(this.#working);
  }

  /** Gives waiting jobs to free engines, starting engines while there is room. */
  #dispatch(): void {
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const slot = [...this.#slots].find((candidate) => !candidate.isBusy) ?? this.#newSlot();
      if (!slot) break;
      const task = this.#waiting.shift();
      if (!task) break;
      task.waiting?.cancel();
      slot.idle?.cancel();
      slot.isBusy = true;
      const work = this.#work(slot, task).finally(() => this.#working.delete(work));
      this.#working.add(work);
    }
    this.#options.metrics.gauge('speech_engine_waiting', this.#waiting.length, this.#labels);
  }

  #newSlot(): Slot<Job, Result> | undefined {
    if (this.#slots.size >= this.#options.maxEngines) return undefined;
    const slot: Slot<Job, Result> = { engine: undefined, isBusy: false, idle: undefined };
    this.#slots.add(slot);
    this.#options.metrics.gauge('speech_engine_processes', this.#slots.size, this.#labels);
    return slot;
  }

  /** Never rejects: the first job will meet the same error. */
  async #warmUp(slot: Slot<Job, Result>): Promise<void> {
    try {
      slot.engine = await this.#start(slot);
    } catch (error) {
      this.#options.log.warn('speech_engine_not_started', { ...this.#labels, reason: String(error) });
    }
    await this.#free(slot);
  }

  /** Never rejects: what goes wrong ends the task, and the engine if it died of it. */
  async #work(slot: Slot<Job, Result>, task: Task<Job, Result>): Promise<void> {
    const startedMs = this.#options.clock.nowMs();
    let isLate = false;
    const limit = this.#options.clock.after(this.#options.jobTimeoutMs, () => {
      isLate = true;
      const error = this.#failure(`no answer within ${this.#options.jobTimeoutMs} ms`);
      this.#settle(task, () => task.reject(error));
      void this.#retire(slot);
    });
    task.attempt++;
    try {
      const engine = await this.#engineOf(slot);
      const result = await engine.run(task.job);
      this.#settle(task, () => task.resolve(result));
      this.#options.metrics.observe(
        'speech_engine_job_seconds',
        (this.#options.clock.nowMs() - startedMs) / 1000,
        this.#labels,
      );
    } catch (error) {
      if (!slot.engine?.isAlive && !isLate && task.attempt < MAX_ATTEMPTS && !task.isSettled && !this.#isClosed) {
        this.#options.log.warn('speech_engine_restarted', { ...this.#labels, reason: String(error) });
        this.#waiting.unshift(task);
      } else this.#settle(task, () => task.reject(error));
    } finally {
      limit.cancel();
    }
    await this.#free(slot);
  }

  async #free(slot: Slot<Job, Result>): Promise<void> {
    slot.isBusy = false;
    await this.#rest(slot);
    this.#dispatch();
  }

  /** The slot's engine, or a new one where there is none or it died while it rested. */
  async #engineOf(slot: Slot<Job, Result>): Promise<Engine<Job, Result>> {
    if (slot.engine?.isAlive) return slot.engine;
    await slot.engine?.close();
    slot.engine = await this.#start(slot);
    return slot.engine;
  }

  async #start(slot: Slot<Job, Result>): Promise<Engine<Job, Result>> {
    const engine = await this.#options.start();
    if (this.#slots.has(slot)) return engine;
    await engine.close();
    throw this.#failure('it was ended while it started');
  }

  /** A live engine waits for its next job, for a while. */
  async #rest(slot: Slot<Job, Result>): Promise<void> {
    if (!slot.engine?.isAlive || this.#isClosed) return this.#retire(slot);
    slot.idle = this.#options.clock.after(this.#options.idleMs, () => void this.#retire(slot));
  }

  async #retire(slot: Slot<Job, Result>): Promise<void> {
    slot.idle?.cancel();
    this.#slots.delete(slot);
    this.#options.metrics.gauge('speech_engine_processes', this.#slots.size, this.#labels);
    await slot.engine?.close();
  }

  #settle(task: Task<Job, Result>, tell: () => void): void {
    if (task.isSettled) return;
    task.isSettled = true;
    task.waiting?.cancel();
    const place = this.#waiting.indexOf(task);
    if (place >= 0) this.#waiting.splice(place, 1);
    tell();
  }

  #failure(reason: string): AppError {
    this.#options.metrics.count('speech_engine_failures_total', this.#labels);
    return new AppError('provider_failed', { detail: `${this.#options.name}: ${reason}` });
  }
}
