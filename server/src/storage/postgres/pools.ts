import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { EventLog } from '../../core/ports/event-log.ts';
import { type RunPrepared, runOn } from './prepared.ts';
import type { DatabaseSchema } from './schema.ts';

/** How a pool reaches the database: pg's own names. */
export type DatabaseConnection = Pick<
  pg.PoolConfig,
  'connectionString' | 'host' | 'port' | 'user' | 'password' | 'database' | 'ssl'
>;

export type Database = Kysely<DatabaseSchema>;

/** The pools of this process. */
export type Databases = {
  /** Small and impatient, for what a call waits for. */
  readonly media: Database;
  /** The same connections, for what every call runs. */
  readonly prepared: RunPrepared;
  /** For everything else. */
  readonly api: Database;
  close(): Promise<void>;
};

const APPLICATION = 'assistant-api';
/** The server gives up first and says so; this is for a server that says nothing any more. */
const SILENCE_MARGIN_MS = 500;

/** @param maxConnections shared with the rooms that bring their own clients: the pools take two thirds of it. */
export function openDatabases(
  connection: DatabaseConnection,
  log: EventLog,
  maxConnections: number | null = null,
): Databases {
  const share = (part: number) => Math.max(1, Math.floor((maxConnections ?? 0) * part));
  // A call writes three times and waits for the disk each time: 4 connections carried 100 calls a second (`bench sip-setup`).
  const mediaMax = maxConnections === null ? 8 : share(0.25);
  const apiMax = maxConnections === null ? 8 : share(0.4);
  let isClosing = false;
  // A pool ends without waiting for its clients' sockets: one may still hear the server's farewell.
  const lost = (reason: string) => {
    if (!isClosing) log.warn('database.connection_lost', { reason });
  };
  const mediaPool = openPool(connection, lost, { max: mediaMax, min: 1, timeoutMs: 2_000 });
  const media = databaseOn(mediaPool);
  const api = databaseOn(openPool(connection, lost, { max: apiMax, min: 0, timeoutMs: 10_000 }));
  return {
    media,
    prepared: runOn(mediaPool),
    api,
    close: async () => {
      isClosing = true;
      await Promise.all([media.destroy(), api.destroy()]);
    },
  };
}

type PoolSize = { readonly max: number; readonly min: number; readonly timeoutMs: number };

type ConnectionLost = (reason: string) => void;

function openPool(connection: DatabaseConnection, lost: ConnectionLost, size: PoolSize): pg.Pool {
  const pool = new pg.Pool({
    ...connection,
    application_name: APPLICATION,
    max: size.max,
    min: size.min,
    connectionTimeoutMillis: size.timeoutMs,
    idleTimeoutMillis: 30_000,
    statement_timeout: size.timeoutMs,
    query_timeout: size.timeoutMs + SILENCE_MARGIN_MS,
    keepAlive: true,
  });
  listenForErrors(pool, lost);
  dropUnresponsiveClients(pool);
  return pool;
}

function databaseOn(pool: pg.Pool): Database {
  return new Kysely<DatabaseSchema>({ dialect: new PostgresDialect({ pool }) });
}

/** Without these an idle client's farewell from a stopping server (57P01) ends the process. */
function listenForErrors(pool: pg.Pool, lost: ConnectionLost): void {
  pool.on('error', (error) => lost(error.message));
  pool.on('connect', (client) => client.on('error', () => undefined));
}

/** A client whose server never answered is cut off: the next query would wait behind the lost one. */
function dropUnresponsiveClients(pool: pg.Pool): void {
  pool.on('connect', (client: pg.PoolClient & { end?: () => Promise<void> }) => {
    const query = client.query.bind(client) as (...all: unknown[]) => unknown;
    const watched = (...all: unknown[]) => {
      const result = query(...all);
      if (result instanceof Promise) {
        result.catch((error: Error) => {
          if (error.message === 'Query read timeout') client.end?.().catch(() => undefined);
        });
      }
      return result;
    };
    client.query = watched as typeof client.query;
  });
}
