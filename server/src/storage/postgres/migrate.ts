import { Kysely, PostgresDialect, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import pg from 'pg';
import { AppError } from '../../core/errors.ts';
import { toDatabaseError } from './database-error.ts';
import { calls } from './migrations/0001-calls.ts';
import { lines } from './migrations/0002-lines.ts';
import { outbound } from './migrations/0003-outbound.ts';
import { transfers } from './migrations/0004-transfers.ts';
import { limits } from './migrations/0005-limits.ts';
import type { DatabaseConnection } from './pools.ts';

/** In the order they run. They only go forward; a released one never changes. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-calls': calls,
  '0002-lines': lines,
  '0003-outbound': outbound,
  '0004-transfers': transfers,
  '0005-limits': limits,
};

/** The newest migration: what an export says it was made with. */
export const SCHEMA_VERSION = Object.keys(MIGRATIONS).at(-1) ?? '';

const OLDEST_SERVER = 15;

/**
 * Brings a database to the newest schema, under a lock, so that nodes may start together. @throws AppError not_configured
 * when the server is too old or the database was made by a newer version, database_unavailable when it is away.
 */
export async function migrate(connection: DatabaseConnection): Promise<void> {
  // A pool of its own, because a node may wait here for the one that migrates, longer than any statement should take.
  const pool = new pg.Pool({ ...connection, max: 1, connectionTimeoutMillis: 10_000 });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await checkServer(db);
    const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } });
    const { error } = await migrator.migrateToLatest();
    if (error) throw error;
  } catch (error) {
    if (error instanceof Error && /corrupted migrations/.test(error.message)) {
      throw new AppError('not_configured', {
        detail: 'the database was made by a newer version of this server. Start that version, or use another database',
        cause: error,
      });
    }
    throw toDatabaseError(error);
  } finally {
    await db.destroy();
  }
}

/** The migrations a database lacks, without running them. @throws AppError as `migrate`. */
export async function pendingMigrations(connection: DatabaseConnection): Promise<readonly string[]> {
  const pool = new pg.Pool({ ...connection, max: 1, connectionTimeoutMillis: 10_000 });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await checkServer(db);
    const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } });
    const known = await migrator.getMigrations();
    return known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
  } catch (error) {
    throw toDatabaseError(error);
  } finally {
    await db.destroy();
  }
}

async function checkServer(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ version: number; encoding: string }>`
    select current_setting('server_version_num')::int / 10000 as version,
           current_setting('server_encoding') as encoding`.execute(db);
  const [server] = rows;
  if (server && server.version < OLDEST_SERVER) {
    throw new AppError('not_configured', {
      detail: `this is PostgreSQL ${server.version}, and ${OLDEST_SERVER} or newer is needed`,
    });
  }
  if (server && server.encoding !== 'UTF8') {
    throw new AppError('not_configured', {
      detail: `the database has the encoding ${server.encoding}. Make one with CREATE DATABASE … ENCODING 'UTF8'`,
    });
  }
}
