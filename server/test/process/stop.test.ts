import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { CallRecord } from '../../../peers/src/server/call-record.ts';
import { announceCall, askForCall, callDemo, connectPhone, pressAndHear, storedCall } from './demo-call.ts';
import { processesOf } from './process-table.ts';
import { ServerHome } from './server-process.ts';

const LIMIT_MS = 120_000;
/** Longer than the time within which two signals count as one. */
const NEXT_SIGNAL_MS = 700;
/** A stop that waits for no call: what is left of one takes its time on a loaded machine. */
const SECONDS_MS = 15_000;

/** What the caller of `callDemo` and `pressAndHear` said and heard stands in the record, to the last key. */
function expectWhole(record: Pick<CallRecord, 'dtmf' | 'turns'>, keys: string): void {
  expect(record.dtmf).toBe(keys);
  const pressed = record.turns.filter(({ role }) => role === 'caller').map(({ text, source }) => ({ text, source }));
  expect(pressed).toEqual([...keys].map((text) => ({ text, source: 'digits' })));
  expect(record.turns.map(({ index }) => index)).toEqual(record.turns.map((_turn, index) => index));
  expect(record.turns.at(-1)).toMatchObject({ role: 'assistant', wasInterrupted: true });
}

describe('a live call when the server is told to stop', { timeout: LIMIT_MS }, () => {
  test('may finish first; meanwhile new calls get 503 and no body, and a PBX that comes late is hung up on', async () => {
    await using home = new ServerHome();
    const server = await home.start();
    const { contextId, phone } = await callDemo(home, server);
    const late = await announceCall(home, server);

    server.signal('SIGTERM');
    await server.event('server.draining');

    const refused = await askForCall(home, server);
    expect(refused.status).toBe(503);
    expect(await refused.text()).toBe('');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('x-error')).toContain('draining');
    expect(
      await connectPhone(server, late.contextId).then(
        (other) => other.ended,
        () => 'refused',
      ),
    ).toBeTruthy();
    await pressAndHear(phone, '1');
    phone.hangUp();
    const { exitCode, stderr } = await server.end();

    expect({ exitCode, stderr, postmaster: home.postmaster }).toEqual({ exitCode: 0, stderr: '', postmaster: null });
    const record = await storedCall(home, contextId);
    expect(record.call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
    expectWhole(record, '1');
    expect((await storedCall(home, late.contextId)).call.endReason).toBeNull();
  });

  test('with no grace it ends as drained within seconds, the key of a moment ago in its record', async () => {
    await using home = new ServerHome({ env: { SHUTDOWN__GRACE: '0' } });
    const server = await home.start();
    const { contextId, phone } = await callDemo(home, server);
    await pressAndHear(phone, '2');

    server.signal('SIGTERM');
    const { exitCode, stderr } = await server.end(SECONDS_MS);

    expect({ exitCode, stderr, postmaster: home.postmaster }).toEqual({ exitCode: 0, stderr: '', postmaster: null });
    expect(await phone.ended).toMatchObject({ by: 'far end', how: 'hung up' });
    const record = await storedCall(home, contextId);
    expect(record.call).toMatchObject({ status: 'ended', endReason: 'drained' });
    expectWhole(record, '2');
    expect(processesOf(server.pid)).toEqual([]);
  });

  test('a second signal ends it at once', async () => {
    await using home = new ServerHome();
    const server = await home.start();
    const { contextId, phone } = await callDemo(home, server);
    await pressAndHear(phone, '3');

    server.signal('SIGINT');
    await server.event('server.draining');
    await pause(NEXT_SIGNAL_MS);
    expect(phone.endedBy).toBeUndefined();
    server.signal('SIGINT');
    const { exitCode } = await server.end(SECONDS_MS);

    expect({ exitCode, postmaster: home.postmaster }).toEqual({ exitCode: 0, postmaster: null });
    const record = await storedCall(home, contextId);
    expect(record.call).toMatchObject({ status: 'ended', endReason: 'drained' });
    expectWhole(record, '3');
  });

  test('Ctrl-C in the terminal of npm start reaches all its processes, and is one signal: the call goes on', async () => {
    await using home = new ServerHome();
    const server = await home.start({ byNpm: true });
    const { contextId, phone } = await callDemo(home, server);

    server.signalGroup('SIGINT');
    await server.event('server.draining');
    await pause(NEXT_SIGNAL_MS);
    await pressAndHear(phone, '1');
    phone.hangUp();
    await server.end();

    expect(home.postmaster).toBeNull();
    const record = await storedCall(home, contextId);
    expect(record.call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
    expectWhole(record, '1');
    expect(server.events('server.stopped')).toMatchObject([{ callsCut: 0 }]);
  });

  test('a signal to the group that npm passes on once more is one signal', async () => {
    await using home = new ServerHome();
    const server = await home.start();
    const { contextId, phone } = await callDemo(home, server);

    // Two kinds: the kernel makes one of two that are the same.
    server.signalGroup('SIGINT');
    server.signal('SIGTERM');
    await server.event('server.draining');
    await pressAndHear(phone, '1');
    phone.hangUp();
    const { exitCode } = await server.end();

    expect({ exitCode, postmaster: home.postmaster }).toEqual({ exitCode: 0, postmaster: null });
    const record = await storedCall(home, contextId);
    expect(record.call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
    expectWhole(record, '1');
  });

  test('TERM to npm start alone: the server behind it stops as well, the call in its record', async () => {
    await using home = new ServerHome({ env: { SHUTDOWN__GRACE: '0' } });
    const server = await home.start({ byNpm: true });
    const { contextId, phone } = await callDemo(home, server);
    await pressAndHear(phone, '1');

    server.signal('SIGTERM');
    await server.end();

    expect(home.postmaster).toBeNull();
    expect(server.events('server.stopped')).toMatchObject([{ callsCut: 1 }]);
    const record = await storedCall(home, contextId);
    expect(record.call).toMatchObject({ status: 'ended', endReason: 'drained' });
    expectWhole(record, '1');
  });
});

describe('a server told to stop before a call came', { timeout: LIMIT_MS }, () => {
  test('at any moment of its start, it leaves nothing behind', async () => {
    await using home = new ServerHome();
    for (const afterMs of [150, 400, 800]) {
      const server = home.spawn({});
      await pause(afterMs);

      server.signal('SIGTERM');
      await server.end();

      expect(home.postmaster).toBeNull();
    }
    const server = await home.start();
    server.signal('SIGTERM');
    expect((await server.end()).exitCode).toBe(0);
  });
});
