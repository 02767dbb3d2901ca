import { describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../test/fakes/fake-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../test/fakes/recording-log.ts';
import { AppError } from '../core/errors.ts';
import { type Engine, type EnginePool, openEnginePool } from './engine-pool.ts';

/** Answers when told to. */
class ManualEngine implements Engine<string, string> {
  isAlive = true;
  jobs: string[] = [];
  #pending = Promise.withResolvers<string>();

  run(job: string): Promise<string> {
    this.jobs.push(job);
    this.#pending = Promise.withResolvers<string>();
    return this.#pending.promise;
  }

  answer(text: string): Promise<void> {
    this.#pending.resolve(text);
    return settle();
  }

  refuse(): Promise<void> {
    this.#pending.reject(new AppError('provider_failed', { detail: 'that job only' }));
    return settle();
  }

  die(): Promise<void> {
    this.isAlive = false;
    return this.refuse();
  }

  async close(): Promise<void> {
    this.isAlive = false;
    // At rest nobody waits for it.
    this.#pending.promise.catch(() => undefined);
    this.#pending.reject(new AppError('provider_failed', { detail: 'that job only' }));
  }
}

type Bench = {
  pool: EnginePool<string, string>;
  engines: ManualEngine[];
  clock: FakeClock;
  metrics: RecordingMetrics;
  log: RecordingLog;
};

function bench(maxEngines = 1): Bench {
  const engines: ManualEngine[] = [];
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  const log = new RecordingLog();
  const pool = openEnginePool<string, string>({
    name: 'test',
    start: async () => {
      const engine = new ManualEngine();
      engines.push(engine);
      return engine;
    },
    maxEngines,
    maxWaiting: 2,
    maxWaitMs: 800,
    jobTimeoutMs: 1_000,
    idleMs: 60_000,
    clock,
    log,
    metrics,
  });
  return { pool, engines, clock, metrics, log };
}

/** A job's end as a word, so that a rejection is never left without a reader. */
function run(pool: EnginePool<string, string>, job: string, signal?: AbortSignal): Promise<string> {
  return pool.run(job, signal ?? new AbortController().signal).catch((error: Error) => error.message);
}

const FAILED = 'A speech or language provider failed';

describe('engine pool', () => {
  test('nothing starts before the first job, and one engine serves jobs in their order', async () => {
    const { pool, engines } = bench();
    expect(engines.length).toBe(0);

    const first = run(pool, 'a');
    const second = run(pool, 'b');
    await settle();
    await engines[0]?.answer('A');
    await engines[0]?.answer('B');

    expect([await first, await second]).toEqual(['A', 'B']);
    expect(engines.map((engine) => engine.jobs)).toEqual([['a', 'b']]);
  });

  test('a second engine starts when the first is busy, and no third', async () => {
    const { pool, engines } = bench(2);

    const jobs = ['a', 'b', 'c'].map((job) => run(pool, job));
    await settle();
    expect(engines.map((engine) => engine.jobs)).toEqual([['a'], ['b']]);
    await engines[1]?.answer('B');
    await engines[1]?.answer('C');
    await engines[0]?.answer('A');

    expect(await Promise.all(jobs)).toEqual(['A', 'B', 'C']);
    expect(pool.engineCount).toBe(2);
  });

  test('over the bound of the queue a job is refused at once', async () => {
    const { pool, engines } = bench();
    const jobs = ['a', 'b', 'c'].map((job) => run(pool, job));

    expect(await run(pool, 'd')).toBe(`${FAILED}: test: 2 requests wait for it already`);

    await settle();
    for (const answer of ['A', 'B', 'C']) await engines[0]?.answer(answer);
    expect(await Promise.all(jobs)).toEqual(['A', 'B', 'C']);
  });

  test('a job that gets no engine in time is refused and never runs', async () => {
    const { pool, engines, clock } = bench();
    const first = run(pool, 'a');
    const second = run(pool, 'b');
    await settle();

    clock.advance(800);

    expect(await second).toBe(`${FAILED}: test: no engine was free within 800 ms`);
    await engines[0]?.answer('A');
    expect(await first).toBe('A');
    expect(engines[0]?.jobs).toEqual(['a']);
  });

  test('an aborted job leaves the queue; an aborted running one loses its result only', async () => {
    const { pool, engines } = bench();
    const abort = new AbortController();
    const first = run(pool, 'a', abort.signal);
    const second = run(pool, 'b', abort.signal);
    const third = run(pool, 'c');
    await settle();

    abort.abort(new Error('barge-in'));
    await engines[0]?.answer('A');
    await engines[0]?.answer('C');

    expect([await first, await second, await third]).toEqual(['barge-in', 'barge-in', 'C']);
    expect(engines[0]?.jobs).toEqual(['a', 'c']);
  });

  test('an engine that dies is replaced and its job tried once more', async () => {
    const { pool, engines, log } = bench();
    const job = run(pool, 'a');
    await settle();

    await engines[0]?.die();
    await engines[1]?.answer('A');

    expect(await job).toBe('A');
    expect(log.events).toEqual(['speech_engine_restarted']);
  });

  test('a job that kills two engines fails; the next one is served', async () => {
    const { pool, engines } = bench();
    const poison = run(pool, 'a');
    await settle();

    await engines[0]?.die();
    await engines[1]?.die();

    expect(await poison).toBe(`${FAILED}: that job only`);
    const next = run(pool, 'b');
    await settle();
    await engines[2]?.answer('B');
    expect(await next).toBe('B');
  });

  test('a job that fails alone leaves its engine in service', async () => {
    const { pool, engines } = bench();
    const first = run(pool, 'a');
    await settle();
    await engines[0]?.refuse();
    const second = run(pool, 'b');
    await settle();
    await engines[0]?.answer('B');

    expect([await first, await second]).toEqual([`${FAILED}: that job only`, 'B']);
    expect(engines.length).toBe(1);
  });

  test('an engine that hangs is killed, its job fails, the next gets a new one', async () => {
    const { pool, engines, clock } = bench();
    const hanging = run(pool, 'a');
    await settle();

    await clock.run(1_000, 500);

    expect(await hanging).toBe(`${FAILED}: test: no answer within 1000 ms`);
    expect(engines[0]?.isAlive).toBe(false);
    const next = run(pool, 'b');
    await settle();
    await engines[1]?.answer('B');
    expect(await next).toBe('B');
  });

  test('warmed, an engine stands ready before the first job, and only one', async () => {
    const { pool, engines } = bench(2);

    pool.warm();
    pool.warm();
    await settle();
    expect(engines.length).toBe(1);

    const job = run(pool, 'a');
    await settle();
    await engines[0]?.answer('A');
    expect(await job).toBe('A');
    expect(engines.length).toBe(1);
  });

  test('an engine that died at rest is replaced without costing the job a try', async () => {
    const { pool, engines, log } = bench();
    pool.warm();
    await settle();
    await engines[0]?.close();

    const job = run(pool, 'a');
    await settle();
    await engines[1]?.answer('A');

    expect(await job).toBe('A');
    expect(log.events).toEqual([]);
  });

  test('after a minute without work the engine is ended, and no timer stays behind', async () => {
    const { pool, engines, clock, metrics } = bench();
    const job = run(pool, 'a');
    await settle();
    await engines[0]?.answer('A');
    await job;

    clock.advance(59_999);
    expect(pool.engineCount).toBe(1);
    clock.advance(1);
    await settle();

    expect(engines[0]?.isAlive).toBe(false);
    expect(pool.engineCount).toBe(0);
    expect(metrics.value('speech_engine_processes', { engine: 'test' })).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('disposing ends everything: running, waiting and later jobs fail', async () => {
    const { pool, engines, clock } = bench();
    const jobs = [run(pool, 'a'), run(pool, 'b')];
    await settle();

    await pool[Symbol.asyncDispose]();

    expect(await Promise.all(jobs)).toEqual([`${FAILED}: that job only`, `${FAILED}: test: it is being shut down`]);
    expect(await run(pool, 'c')).toBe(`${FAILED}: test: it is being shut down`);
    expect(engines.map((engine) => engine.isAlive)).toEqual([false]);
    expect(clock.pendingTimers).toBe(0);
  });
});
