import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { firstClosedFolder } from '../../src/storage/postgres/embedded/postgres-account.ts';
import { callDemo, closedCall, pressAndHear } from './demo-call.ts';
import { userOf } from './process-table.ts';
import { REPOSITORY, ServerHome, type ServerProcess } from './server-process.ts';

const LIMIT_MS = 120_000;
/** `nobody`: an ordinary user that every system has. */
const NOBODY = { uid: 65534, gid: 65534 };

async function talk(home: ServerHome, server: ServerProcess): Promise<string> {
  const { contextId, phone } = await callDemo(home, server);
  await pressAndHear(phone, '2');
  phone.hangUp();
  const { call, dtmf } = await closedCall(home, server, contextId);
  return `${call.status} ${call.endReason} ${dtmf}`;
}

test('a second start on a data directory in use ends with 1 and names the first, which serves on', {
  timeout: LIMIT_MS,
}, async () => {
  await using home = new ServerHome();
  const first = await home.start();

  const second = await home.spawn({}).end();

  expect(second.exitCode).toBe(1);
  expect(second.stderr).toContain(`process ${first.pid} already uses the data directory ${home.dataDir}`);
  expect(second.stderr).toContain('give this one another DATA_DIR');
  expect(await talk(home, first)).toBe('ended caller_hung_up 2');
});

test('two servers with data directories and ports of their own serve side by side; one stops, the other goes on', {
  timeout: LIMIT_MS,
}, async () => {
  await using here = new ServerHome();
  await using there = new ServerHome();
  const [one, other] = await Promise.all([here.start(), there.start()]);

  expect(await Promise.all([talk(here, one), talk(there, other)])).toEqual([
    'ended caller_hung_up 2',
    'ended caller_hung_up 2',
  ]);
  one.signal('SIGTERM');
  expect((await one.end()).exitCode).toBe(0);

  expect(here.postmaster).toBeNull();
  expect(await talk(there, other)).toBe('ended caller_hung_up 2');
});

test('an ordinary user starts it, is answered and stops it, all its files its own', { timeout: LIMIT_MS }, async () => {
  // Not root: the user of this run is an ordinary one, or the repository is closed to others.
  const canBeNobody = process.getuid?.() === 0 && firstClosedFolder(REPOSITORY, NOBODY) === null;
  await using home = new ServerHome(canBeNobody ? { account: NOBODY } : {});
  const server = await home.start();

  expect(await talk(home, server)).toBe('ended caller_hung_up 2');
  const uid = canBeNobody ? NOBODY.uid : process.getuid?.();
  expect(userOf(server.pid)).toBe(uid);
  expect(userOf(home.postmaster)).toBe(canBeNobody || uid !== 0 ? uid : NOBODY.uid);
  expect(statSync(home.dataDir)).toMatchObject({ uid, mode: 0o40700 });
  server.signal('SIGTERM');
  const { exitCode, stderr } = await server.end();

  expect({ exitCode, stderr, postmaster: home.postmaster }).toEqual({ exitCode: 0, stderr: '', postmaster: null });
});
