import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { announceCall, askForCall, callDemo, closedCall, connectPhone, pressAndHear } from './demo-call.ts';
import { treeOf } from './process-table.ts';
import { ServerHome, type ServerProcess } from './server-process.ts';

const LIMIT_MS = 120_000;
/** What phase 1 may take to say that it cannot serve, with a margin for a loaded machine. */
const PHASE_ONE_LIMIT_MS = 4_000 + 1_500;
/** A claim may take 2 s; then the PBX is told to go on in its dialplan. */
const CLAIM_LIMIT_MS = 2_500 + 1_500;
/** How much longer than a claim the pool waits for an answer, with a margin. */
const POOL_LIMIT_MS = 1_500;
/** 20 ms each; the rest is what a loaded machine may owe us. */
const FRAMES_A_SECOND = 50;
const AUDIO_GOES_ON = 0.5;

test('the database stands still in a call: audio and conversation go on, new calls are refused in time, nothing is missing after', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();
  const server = await home.start();
  const { contextId, phone } = await callDemo(home, server);
  const late = await announceCall(home, server);
  const database = treeOf(home.postmaster ?? Number.NaN);
  for (const pid of database) process.kill(pid, 'SIGSTOP');
  try {
    const stoppedAt = performance.now();
    const refusals = Promise.all([refusedPhaseOne(home, server), refusedMedia(server, late.contextId)]);
    await pressAndHear(phone, '1');
    const [refusedAfterMs, hungUpAfterMs] = await refusals;
    const heard = phone.heard.frames.filter(({ atMs }) => atMs >= stoppedAt).length;
    const seconds = (performance.now() - stoppedAt) / 1000;

    expect(refusedAfterMs).toBeLessThan(PHASE_ONE_LIMIT_MS);
    expect(hungUpAfterMs).toBeLessThan(CLAIM_LIMIT_MS);
    expect(heard / seconds).toBeGreaterThan(FRAMES_A_SECOND * AUDIO_GOES_ON);
    expect((await fetch(`${server.url}/readiness/`)).status).toBe(503);
    expect((await fetch(`${server.url}/healthz/`)).status).toBe(200);
  } finally {
    for (const pid of treeOf(database[0] as number)) process.kill(pid, 'SIGCONT');
  }
  await pressAndHear(phone, '2');
  phone.hangUp();

  const record = await closedCall(home, server, contextId);
  expect(record.call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
  expect(record.dtmf).toBe('12');
  const pressed = record.turns.filter(({ role }) => role === 'caller').map(({ text }) => text);
  expect(pressed).toEqual(['1', '2']);
  expect(record.turns.map(({ index }) => index)).toEqual(record.turns.map((_turn, index) => index));
  await expectServing(home, server);
});

test('a claim that the database carries out after the PBX was refused is given up: no call stays live that nobody holds', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();
  const server = await home.start();
  // At once, so that as many connections wait for a query as there are claims.
  const calls = await Promise.all(Array.from({ length: 4 }, () => announceCall(home, server)));
  const database = treeOf(home.postmaster ?? Number.NaN);
  for (const pid of database) process.kill(pid, 'SIGSTOP');
  try {
    await Promise.all(calls.map(({ contextId }) => refusedMedia(server, contextId)));
    // The pool itself waits longer for an answer than the PBX does.
    await pause(POOL_LIMIT_MS);
  } finally {
    for (const pid of treeOf(database[0] as number)) process.kill(pid, 'SIGCONT');
  }
  await expectServing(home, server);

  for (const { contextId } of calls) {
    const record = await closedCall(home, server, contextId);
    expect(record.call).toMatchObject({ status: 'failed', endReason: 'never_connected' });
  }
});

test('the database dies in a call: it is started again, and the record of the call is whole', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();
  const server = await home.start();
  const { contextId, phone } = await callDemo(home, server);
  const died = home.postmaster ?? Number.NaN;

  process.kill(died, 'SIGKILL');
  await pressAndHear(phone, '1');
  await expectServing(home, server);
  await pressAndHear(phone, '2');
  phone.hangUp();

  const record = await closedCall(home, server, contextId);
  expect(record.call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
  expect(record.turns.filter(({ role }) => role === 'caller').map(({ text }) => text)).toEqual(['1', '2']);
  expect(home.postmaster).not.toBe(died);
  server.signal('SIGTERM');
  expect(await server.end()).toMatchObject({ exitCode: 0, stderr: '' });
  expect(home.postmaster).toBeNull();
});

/** Milliseconds until phase 1 said no, as Asterisk wants to hear it. */
async function refusedPhaseOne(home: ServerHome, server: ServerProcess): Promise<number> {
  const askedAt = performance.now();
  const response = await askForCall(home, server);
  const body = await response.text();
  expect({ status: response.status, body }).toEqual({ status: 503, body: '' });
  expect(response.headers.get('retry-after')).not.toBeNull();
  return performance.now() - askedAt;
}

/** Milliseconds until an AudioSocket with a good id was hung up on. */
async function refusedMedia(server: ServerProcess, contextId: string): Promise<number> {
  const other = await connectPhone(server, contextId);
  const end = await other.heardHangUp();
  expect(end).toMatchObject({ by: 'far end', how: 'hung up' });
  return (other.endedAtMs ?? Number.NaN) - other.openedAtMs;
}

async function expectServing(home: ServerHome, server: ServerProcess): Promise<void> {
  while ((await fetch(`${server.url}/readiness/`)).status !== 200) await pause(50);
  const { phone } = await callDemo(home, server);
  phone.hangUp();
}
