import { expect, test } from 'vitest';
import { callDemo, pressAndHear, storedCall } from './demo-call.ts';
import { ServerHome } from './server-process.ts';

const LIMIT_MS = 60_000;
/** What the caller hears of the answer before hanging up. */
const LISTEN_MS = 700;

test.each([
  ['SIGTERM', 'npm alone'],
  ['SIGINT', 'npm alone'],
  ['SIGTERM', 'the whole group'],
  ['SIGINT', 'the whole group'],
] as const)(
  '%s to %s: the call goes on to its end, npm start ends with 0 and leaves no database',
  { timeout: LIMIT_MS },
  async (signal, whom) => {
    await using home = new ServerHome();
    const server = await home.start({ byNpm: true });
    const { contextId, phone } = await callDemo(home, server);

    if (whom === 'npm alone') server.signal(signal);
    else server.signalGroup(signal);
    await server.event('server.draining');
    await pressAndHear(phone, '1');
    setTimeout(() => phone.hangUp(), LISTEN_MS);
    const { exitCode, stderr } = await server.end();

    expect({ exitCode, stderr, postmaster: home.postmaster }).toEqual({ exitCode: 0, stderr: '', postmaster: null });
    expect(server.events('server.stopped').map((event) => event['callsCut'])).toEqual([0]);
    expect((await storedCall(home, contextId)).call.endReason).toBe('caller_hung_up');
  },
);

test('the words behind npm start -- reach the server', async () => {
  await using home = new ServerHome();

  const { exitCode, stdout } = await home.spawn({ byNpm: true, words: ['help'] }).ended;

  expect(exitCode).toBe(0);
  expect(stdout).toContain('npm start -- speech install');
});
