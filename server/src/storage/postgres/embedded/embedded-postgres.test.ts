import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { quietLog } from '../../../../test/fakes/quiet-log.ts';
import { RecordingLog } from '../../../../test/fakes/recording-log.ts';
import { type Child, startChild } from '../../../../test/postgres/children/child.ts';
import type { ContextId } from '../../../core/ids.ts';
import { openStorage } from '../../open-storage.ts';
import { PostgresCallRepository } from '../call-repository.ts';
import { migrate } from '../migrate.ts';
import { openDatabases } from '../pools.ts';
import { isProcessAlive } from '../process-identity.ts';
import { firstClosedFolder } from './postgres-account.ts';
import { readPostmasterFile, stopPostmaster, waitUntil } from './postmaster.ts';
import { startEmbeddedPostgres } from './start-embedded-postgres.ts';

const NOBODY = { uid: 65534, gid: 65534 };
const isRoot = process.getuid?.() === 0;
const children: Child[] = [];
let dataDir: string;
let template: string;

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'embedded-template-'));
  await (await startEmbeddedPostgres({ dataDir: template, log: quietLog })).stop();
});
afterAll(() => rmSync(template, { recursive: true, force: true }));
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'embedded-'));
});
/** Spares a test its initdb. */
function useMadeCluster(): void {
  execFileSync('cp', ['-a', join(template, 'postgres'), join(dataDir, 'postgres')]);
}
afterEach(async () => {
  for (const child of children.splice(0)) child.process.kill('SIGKILL');
  const left = readPostmasterFile(join(dataDir, 'postgres'));
  if (left && isProcessAlive(left.pid)) await stopPostmaster(left.pid);
  if (left) rmSync(left.socketDir, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
});

function hold(account = {}): Child {
  const child = startChild('hold-storage.ts', [dataDir], account);
  children.push(child);
  return child;
}

type Held = { readonly pid: number; readonly isAdopted: boolean };
const opened = async (child: Child) => JSON.parse(await child.line()) as Held;
const start = () => {
  if (!existsSync(join(dataDir, 'postgres'))) useMadeCluster();
  return startEmbeddedPostgres({ dataDir, log: quietLog });
};

describe('one data directory, one process', () => {
  test('a second process is told the id of the first, and the first goes on', async () => {
    useMadeCluster();
    const first = hold();
    const { pid } = await opened(first);
    const { process: own } = first;

    const second = start();

    await expect(second).rejects.toMatchObject({ code: 'conflict' });
    await expect(second).rejects.toThrow(`process ${own.pid} already uses the data directory ${dataDir}`);
    expect(isProcessAlive(pid)).toBe(true);
  });

  test('a second start in the same process is refused too', async () => {
    const first = await start();

    await expect(start()).rejects.toThrow(`process ${process.pid} already uses`);
    await first.stop();
  });

  test('the lock of a process whose id now belongs to another is taken over', async () => {
    const first = await start();
    await first.stop();
    const stale = { pid: 1, startTime: '1', space: 'unknown', token: 'x' };
    writeFileSync(join(dataDir, 'server.lock'), JSON.stringify(stale));

    const second = await start();

    expect(JSON.parse(readFileSync(join(dataDir, 'server.lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    await second.stop();
  });

  test('of eight processes that start at once over a stale lock, one gets the directory', async () => {
    useMadeCluster();
    writeFileSync(join(dataDir, 'server.lock'), '{"pid":999999,"startTime":"1","space":"unknown","token":"x"}');

    const racers = Array.from({ length: 8 }, () => hold());
    const answers = await Promise.allSettled(racers.map((racer) => racer.line()));

    const refusals = answers.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refusals).toHaveLength(7);
    for (const { reason } of refusals) expect(String(reason)).toContain('already uses the data directory');
  });

  test('a lock file cut off half way is no hindrance', async () => {
    writeFileSync(join(dataDir, 'server.lock'), '{"pid":');

    const server = await start();

    await server.stop();
    expect(existsSync(join(dataDir, 'server.lock'))).toBe(false);
  });
});

describe('after a death', () => {
  test('kill -9 of the process loses no row it had acknowledged, and its server is taken on', async () => {
    useMadeCluster();
    const child = hold();
    const before = await opened(child);
    child.send('write\n');
    const acknowledged: string[] = [];
    while (acknowledged.length < 200) acknowledged.push(await child.line());
    child.process.kill('SIGKILL');
    await child.ended;

    await using storage = await openStorage({ database: { type: 'embedded', dataDir }, log: quietLog });

    expect(storage.embedded).toEqual({ pid: before.pid, isAdopted: true });
    const found = await Promise.all(acknowledged.map((id) => storage.calls.find(id as ContextId)));
    expect(found.filter((context) => context === null)).toEqual([]);
  });

  test('kill -9 of process and server loses none either', async () => {
    useMadeCluster();
    const child = hold();
    const before = await opened(child);
    child.send('write\n');
    const acknowledged: string[] = [];
    while (acknowledged.length < 200) acknowledged.push(await child.line());
    child.process.kill('SIGKILL');
    process.kill(before.pid, 'SIGKILL');
    await child.ended;

    await using storage = await openStorage({ database: { type: 'embedded', dataDir }, log: quietLog });

    expect(storage.embedded?.isAdopted).toBe(false);
    const found = await Promise.all(acknowledged.map((id) => storage.calls.find(id as ContextId)));
    expect(found.filter((context) => context === null)).toEqual([]);
  });

  test('a postmaster.pid whose id belongs to another program now does not keep the server from starting', async () => {
    useMadeCluster();
    const child = hold();
    const before = await opened(child);
    child.process.kill('SIGKILL');
    await child.ended;
    process.kill(before.pid, 'SIGKILL');
    const file = join(dataDir, 'postgres', 'postmaster.pid');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(process.pid)));

    const second = await start();

    expect(second.isAdopted).toBe(false);
    await second.stop();
  });

  test('a server that dies under us is reported and started again, and the same pools go on', async () => {
    const log = new RecordingLog();
    useMadeCluster();
    await using storage = await openStorage({ database: { type: 'embedded', dataDir }, log });
    const { pid } = storage.embedded as { pid: number };
    const { id } = await storage.assistants.createProject('before');

    process.kill(pid, 'SIGKILL');
    await waitUntil(() => log.events.filter((event) => event === 'database.started').length === 2, 15_000);

    expect(log.entries.find(({ event }) => event === 'database.stopped_by_itself')).toMatchObject({
      level: 'error',
      fields: { pid, how: 'SIGKILL' },
    });
    expect((await storage.assistants.listProjects()).map((project) => project.id)).toEqual([id]);
    expect(storage.embedded?.pid).not.toBe(pid);
  });

  test('an adopted server that dies is noticed and started again too', async () => {
    const child = hold();
    const before = await opened(child);
    child.process.kill('SIGKILL');
    await child.ended;
    const log = new RecordingLog();
    await using storage = await openStorage({ database: { type: 'embedded', dataDir }, log });
    expect(storage.embedded).toMatchObject({ pid: before.pid, isAdopted: true });

    process.kill(before.pid, 'SIGKILL');
    await waitUntil(() => log.events.includes('database.started'), 15_000);

    expect(log.events).toContain('database.stopped_by_itself');
    await storage.ping(5_000);
  });

  test('an initialisation that was cut off is begun again', async () => {
    mkdirSync(join(dataDir, 'postgres.new-half'));
    writeFileSync(join(dataDir, 'postgres.new-half', 'PG_VERSION'), '18\n');

    const server = await startEmbeddedPostgres({ dataDir, log: quietLog });

    expect(existsSync(join(dataDir, 'postgres.new-half'))).toBe(false);
    await server.stop();
  });
});

describe('stopping', () => {
  test('leaves no process, no socket and no lock, and may be asked for twice', async () => {
    const server = await start();
    const socketDir = server.connection.host;
    expect(statSync(socketDir).mode & 0o777).toBe(0o700);

    await Promise.all([server.stop(), server.stop()]);

    expect(isProcessAlive(server.pid)).toBe(false);
    expect([existsSync(socketDir), existsSync(join(dataDir, 'server.lock'))]).toEqual([false, false]);
  });

  test('Ctrl-C in the terminal of our process does not reach the database', async () => {
    useMadeCluster();
    const child = hold();
    const { pid } = await opened(child);

    // Field 5 of /proc/<pid>/stat: the process group, which is what a terminal signals.
    const group = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[2];
    const own = readFileSync(`/proc/${child.process.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[2];

    expect(group).toBe(String(pid));
    expect(own).not.toBe(group);
    child.send('close\n');
    expect(await child.line()).toBe('closed');
  });

  test('queries while no server is there fail as database_unavailable', async () => {
    const server = await start();
    const databases = openDatabases(server.connection, quietLog);
    const calls = new PostgresCallRepository(databases);
    await migrate(server.connection);
    await calls.find('11111111-2222-4333-8444-555555555555' as ContextId);

    await server.stop();

    const found = calls.find('11111111-2222-4333-8444-555555555555' as ContextId);
    await expect(found).rejects.toMatchObject({ code: 'database_unavailable', isRetryable: true });
    await databases.close();
  });

  test('a server that does not answer any more costs a claim its time limit, and nothing after it', async () => {
    const server = await start();
    const databases = openDatabases(server.connection, quietLog);
    const calls = new PostgresCallRepository(databases);
    await migrate(server.connection);
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(databases.media);
    const session = rows[0]?.pid as number;

    process.kill(session, 'SIGSTOP');
    const stuck = calls.find('11111111-2222-4333-8444-555555555555' as ContextId);
    await expect(stuck).rejects.toMatchObject({ code: 'database_unavailable' });
    const next = await calls.find('11111111-2222-4333-8444-555555555555' as ContextId);
    process.kill(session, 'SIGCONT');

    expect(next).toBeNull();
    await databases.close();
    await server.stop();
  });

  test('what cannot start says why, with the end of its log', async () => {
    useMadeCluster();

    const broken = startEmbeddedPostgres({ dataDir, log: quietLog, settings: { shared_buffers: 'lots' } });

    await expect(broken).rejects.toThrow('invalid value for parameter "shared_buffers": "lots"');
    expect(existsSync(join(dataDir, 'server.lock'))).toBe(false);
  });
});

if (isRoot) {
  describe('as root', () => {
    test('the server runs as nobody, and the keyring beside it stays closed to it', async () => {
      writeFileSync(join(dataDir, 'keyring.json'), 'secret', { mode: 0o600 });
      const server = await start();

      expect(statSync(`/proc/${server.pid}`).uid).toBe(65534);
      expect(statSync(join(dataDir, 'postgres')).uid).toBe(65534);
      expect(statSync(join(dataDir, 'keyring.json')).uid).toBe(0);
      await server.stop();
    });

    test('a data directory that nobody can reach is refused with the folder in the way', async () => {
      const closed = join(dataDir, 'closed');
      mkdirSync(closed, { mode: 0o700 });

      const refused = startEmbeddedPostgres({ dataDir: join(closed, 'data'), log: quietLog });

      await expect(refused).rejects.toThrow(`as uid 65534 it cannot enter ${dataDir}`);
    });

    test('an ordinary user runs it as itself, and root afterwards as that user', async () => {
      // Where the sources lie in a folder closed to others, there is no second user to try.
      expect(firstClosedFolder(import.meta.dirname, NOBODY)).toBeNull();
      chownSync(dataDir, NOBODY.uid, NOBODY.gid);
      chmodSync(dataDir, 0o755);
      const child = hold(NOBODY);
      const { pid } = await opened(child);
      expect(statSync(`/proc/${pid}`).uid).toBe(65534);
      child.send('close\n');
      expect(await child.line()).toBe('closed');

      const asRoot = await start();

      expect(statSync(`/proc/${asRoot.pid}`).uid).toBe(65534);
      await asRoot.stop();
    });

    test('a user that /etc/passwd does not know is told so', async () => {
      chownSync(dataDir, 54_321, 54_321);
      const child = hold({ uid: 54_321, gid: 54_321 });

      await expect(child.line()).rejects.toThrow('PostgreSQL needs a name for uid 54321');
    });
  });
}
