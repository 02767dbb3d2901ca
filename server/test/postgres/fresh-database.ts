import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';
import { openStorage, type Storage } from '../../src/storage/open-storage.ts';
import { startEmbeddedPostgres } from '../../src/storage/postgres/embedded/start-embedded-postgres.ts';
import { migrate } from '../../src/storage/postgres/migrate.ts';
import { quietLog } from '../fakes/quiet-log.ts';

export type FreshDatabase = AsyncDisposable & {
  /** For `openStorage({ database: { type: 'url', url } })` and for clients of a test's own. */
  readonly url: string;
};

const TEMPLATE = 'template_migrated';
const START_LIMIT_MS = 50_000;
/** Nothing of a test outlives it, so nothing has to reach the disk. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '100' };

/** A migrated, empty database of its own on the one PostgreSQL of the run. Take one a test file; dispose of it at the end. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const socketDir = await server();
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(socketDir, `create database ${name} template ${TEMPLATE}`);
  return {
    url: urlOf(socketDir, name),
    [Symbol.asyncDispose]: () => asAdmin(socketDir, `drop database if exists ${name} with (force)`),
  };
}

/** The same, opened. Disposing of it drops the database. */
export async function freshStorage(): Promise<Storage & { readonly url: string }> {
  const database = await freshDatabase();
  const storage = await openStorage({ database: { type: 'url', url: database.url }, log: quietLog });
  return {
    ...storage,
    url: database.url,
    [Symbol.asyncDispose]: async () => {
      await storage[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** The first test file to come starts the server for all; it outlives the worker and is stopped after the run. */
async function server(): Promise<string> {
  const dir = inject('postgresTestDir');
  const readyFile = join(dir, 'ready');
  if (claimStart(dir)) {
    const { connection } = await startEmbeddedPostgres({ dataDir: dir, log: quietLog, settings: SETTINGS });
    await asAdmin(connection.host, `create database ${TEMPLATE}`);
    await migrate({ connectionString: urlOf(connection.host, TEMPLATE) });
    writeFileSync(`${readyFile}.draft`, connection.host);
    renameSync(`${readyFile}.draft`, readyFile);
  }
  const deadline = performance.now() + START_LIMIT_MS;
  while (!existsSync(readyFile)) {
    if (performance.now() > deadline) throw new Error(`No test database after ${START_LIMIT_MS} ms: see ${dir}`);
    await pause(10);
  }
  return readFileSync(readyFile, 'utf8');
}

function claimStart(dir: string): boolean {
  try {
    mkdirSync(join(dir, 'starting'));
    return true;
  } catch {
    return false;
  }
}

function urlOf(socketDir: string, database: string): string {
  return `postgres://app@${encodeURIComponent(socketDir)}/${database}`;
}

async function asAdmin(socketDir: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(socketDir, 'postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
