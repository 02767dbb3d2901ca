import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProjectId } from '../../src/core/ids.ts';
import { startJobs } from '../../src/jobs/start-jobs.ts';
import { eventually } from '../calls/call-server.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLog } from '../fakes/recording-log.ts';
import { freshStorage } from './fresh-database.ts';
import { sampleAssistant } from './sample-calls.ts';

let storage: Awaited<ReturnType<typeof freshStorage>>;
let client: pg.Client;
beforeAll(async () => {
  storage = await freshStorage();
  client = new pg.Client({ connectionString: storage.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await storage[Symbol.asyncDispose]();
});

async function jobs(purge: () => Promise<unknown> = async () => 0) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const placeNextCall = async () => false;
  const endUnanswered = async () => 0;
  const running = await startJobs({ connection: storage.connection, placeNextCall, endUnanswered, purge, clock, log });
  return { clock, log, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

const idsOfJobs = async () =>
  (await client.query<{ key: string }>('select key from graphile_worker.jobs order by id')).rows.map(({ key }) => key);

test('what a dead worker holds is taken from it; what a live one holds, and what waits, stays', async () => {
  {
    // It makes the tables of the queue.
    await using _first = await jobs();
  }
  for (const key of ['dead', 'live', 'waiting']) {
    await client.query(`select graphile_worker.add_job('call.originate', '{}', run_at := now() + interval '1 hour',
      max_attempts := 1, job_key := '${key}')`);
  }
  const hold = (key: string, age: string) =>
    client.query(`update graphile_worker._private_jobs set locked_by = 'worker-${key}', attempts = 1,
      locked_at = now() - interval '${age}' where key = '${key}'`);
  await hold('dead', '3 minutes');
  await hold('live', '10 seconds');

  await using second = await jobs();
  second.clock.advance(5_000);
  await eventually('the dead one to go', async () => ((await idsOfJobs()).includes('dead') ? null : true));

  expect(await idsOfJobs()).toEqual(['live', 'waiting']);
  expect(second.log.entries).toContainEqual(
    expect.objectContaining({ event: 'jobs.dead_workers_unlocked', fields: { count: 1 } }),
  );
});

test('idempotency keys go after a day, and are asked after at the start and each minute', async () => {
  const { projectId } = await sampleAssistant(storage.assistants);
  const begin = (key: string) =>
    storage.idempotency.begin({ projectId: projectId as ProjectId, key, request: 'POST /x' }, randomUUID());
  const kept = await begin('young');
  await begin('old');
  await client.query(`update idempotency_keys set created_at = now() - interval '25 hours' where key = 'old'`);
  let purged = 0;
  let asked = 0;
  const purge = async () => {
    asked++;
    purged += await storage.idempotency.purge();
  };

  await using running = await jobs(purge);
  for (let round = 0; round < 13; round++) {
    running.clock.advance(5_000);
    await eventually('the round to end', async () => (running.clock.pendingTimers > 0 ? true : null));
  }

  expect({ purged, asked }).toEqual({ purged: 1, asked: 2 });
  expect((await begin('young')).resourceId).toBe(kept.resourceId);
  expect((await client.query('select key from idempotency_keys')).rows).toEqual([{ key: 'young' }]);
});
