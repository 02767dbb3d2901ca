import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import pg from 'pg';
import { toDatabaseError } from '../database-error.ts';
import { SCHEMA_VERSION } from '../migrate.ts';
import type { DatabaseConnection } from '../pools.ts';
import {
  FORMAT,
  FORMAT_VERSION,
  ROWS_PER_BATCH,
  TRANSFERRED_TABLES,
  type TransferCounts,
  type TransferredTable,
} from './tables.ts';

/**
 * Writes all rows, as they were at one moment, to a file of JSON lines: first what it is, then
 * `{"table":…,"row":…}` for each row as PostgreSQL writes it, last the count of rows and the SHA-256 of all before it.
 * The file appears when it is whole, readable by its owner only; keys in it stay sealed, and the keyring is not in it.
 * @throws AppError database_unavailable; Error of the file system as it is.
 */
export async function exportData(connection: DatabaseConnection, file: string): Promise<TransferCounts> {
  const draft = `${file}.${process.pid}.part`;
  const handle = await open(draft, 'w', 0o600);
  try {
    const counts = await writeAll(connection, handle);
    await handle.sync();
    await handle.close();
    await rename(draft, file);
    return counts;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw error;
  }
}

async function writeAll(connection: DatabaseConnection, handle: FileHandle): Promise<TransferCounts> {
  const hash = createHash('sha256');
  const write = async (text: string) => {
    hash.update(text);
    await handle.write(text);
  };
  const createdAt = new Date().toISOString();
  await write(`${JSON.stringify({ format: FORMAT, version: FORMAT_VERSION, schema: SCHEMA_VERSION, createdAt })}\n`);
  const counts = await readSnapshot(connection, write);
  await handle.write(`${JSON.stringify({ end: counts, sha256: hash.digest('hex') })}\n`);
  return counts;
}

async function readSnapshot(
  connection: DatabaseConnection,
  write: (text: string) => Promise<void>,
): Promise<TransferCounts> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect().catch(rethrow);
    await client.query('begin isolation level repeatable read read only').catch(rethrow);
    const counts: Partial<Record<TransferredTable, number>> = {};
    for (const table of TRANSFERRED_TABLES) counts[table] = await readTable(client, table, write);
    await client.query('commit').catch(rethrow);
    return counts as TransferCounts;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function readTable(
  client: pg.Client,
  table: TransferredTable,
  write: (text: string) => Promise<void>,
): Promise<number> {
  await client
    .query(`declare reader no scroll cursor for select row_to_json(${table})::text as row from ${table}`)
    .catch(rethrow);
  let count = 0;
  for (;;) {
    const { rows } = await client.query<{ row: string }>(`fetch ${ROWS_PER_BATCH} from reader`).catch(rethrow);
    if (rows.length === 0) break;
    count += rows.length;
    await write(rows.map(({ row }) => `{"table":"${table}","row":${row}}\n`).join(''));
  }
  await client.query('close reader').catch(rethrow);
  return count;
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}
