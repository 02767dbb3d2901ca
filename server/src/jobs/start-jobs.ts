import { Logger, type Runner, run, type TaskList } from 'graphile-worker';
import pg from 'pg';
import type { ContextId } from '../core/ids.ts';
import { parseContextId } from '../core/ids.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import { unlockDeadWorkers } from './unlock-dead-workers.ts';

export type JobParts = {
  /** pg's own names. */
  readonly connection: pg.PoolConfig;
  /** Places the named call if it is due, or any; false when there was none. */
  readonly placeNextCall: (signal: AbortSignal, contextId?: ContextId) => Promise<boolean>;
  /** Ends calls that nobody answered. */
  readonly endUnanswered: () => Promise<unknown>;
  /** Throws away what nobody asks for any more. */
  readonly purge: () => Promise<unknown>;
  readonly clock: Clock;
  readonly log: EventLog;
};

const CONCURRENT_JOBS = 4;
const MOST_CONNECTIONS = 4;
/** What a lost wake-up costs at most. */
const SWEEP_EVERY_MS = 5_000;
const MOST_PER_SWEEP = 50;
const POLL_EVERY_MS = 30_000;
/** Tidying up: at the start, and then each minute. */
const SWEEPS_BETWEEN_TIDYING = 12;

/**
 * Wakes the work that waits in rows: by graphile-worker's jobs at once, by a sweep where a job was lost. Both may name the
 * same row; it is leased once. Disposing lets what runs finish.
 */
export async function startJobs(parts: JobParts): Promise<AsyncDisposable> {
  const { log } = parts;
  const pool = new pg.Pool({ ...parts.connection, max: MOST_CONNECTIONS, application_name: 'assistant-api jobs' });
  pool.on('error', (error) => log.warn('jobs.connection_lost', { reason: error.message }));
  pool.on('connect', (client) => client.on('error', () => undefined));
  const stop = new AbortController();
  // Without it, for want of a right on the database for one, calls wait for the sweep.
  const runner = await startRunner(parts, pool, stop.signal).catch((error: unknown) => {
    log.warn('jobs.worker_failed', { reason: error instanceof Error ? error.message : String(error) });
    return null;
  });
  const tidy = async () => {
    const count = runner ? await unlockDeadWorkers(pool) : 0;
    if (count > 0) log.warn('jobs.dead_workers_unlocked', { count });
    await parts.purge();
  };
  const sweep = new Sweep({ ...parts, tidy }, stop.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([sweep.stop(), runner?.stop().catch(() => undefined)]);
      await pool.end();
    },
  };
}

async function startRunner(parts: JobParts, pool: pg.Pool, signal: AbortSignal): Promise<Runner> {
  const taskList: TaskList = {
    'call.originate': async (payload) => {
      const contextId = parseContextId(String((payload as { contextId?: unknown } | null)?.contextId ?? ''));
      if (contextId !== null) await parts.placeNextCall(signal, contextId);
    },
  };
  const runner = await run({
    pgPool: pool,
    taskList,
    concurrency: CONCURRENT_JOBS,
    pollInterval: POLL_EVERY_MS,
    noHandleSignals: true,
    logger: jobLogger(parts.log),
    parsedCronItems: [],
  });
  runner.promise.catch((error: unknown) => parts.log.error('jobs.stopped', {}, error));
  return runner;
}

/** graphile-worker's words in our log: what goes well is for debugging only. */
function jobLogger(log: EventLog): Logger {
  return new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') log.warn('jobs.worker', { message });
    else log.debug('jobs.worker', { message });
  });
}

/** Looks for due rows again and again, never twice at once. */
class Sweep {
  readonly #parts: JobParts & { readonly tidy: () => Promise<void> };
  readonly #signal: AbortSignal;
  #timer: Timer | null = null;
  #rounds = 0;
  #round: Promise<void> = Promise.resolve();

  constructor(parts: JobParts & { readonly tidy: () => Promise<void> }, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#later();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#round;
  }

  #later(): void {
    if (this.#signal.aborted) return;
    this.#timer = this.#parts.clock.after(SWEEP_EVERY_MS, () => {
      this.#round = this.#sweep().then(() => this.#later());
    });
  }

  async #sweep(): Promise<void> {
    const { placeNextCall, endUnanswered, tidy, log } = this.#parts;
    try {
      if (this.#rounds++ % SWEEPS_BETWEEN_TIDYING === 0) await tidy();
      for (let count = 0; count < MOST_PER_SWEEP && !this.#signal.aborted; count++) {
        if (!(await placeNextCall(this.#signal))) break;
      }
      await endUnanswered();
    } catch (error) {
      log.warn('jobs.sweep_failed', { reason: error instanceof Error ? error.message : String(error) });
    }
  }
}
