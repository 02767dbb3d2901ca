import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import pg from 'pg';
import { AppError } from '../../../core/errors.ts';
import { toDatabaseError } from '../database-error.ts';
import { SCHEMA_VERSION } from '../migrate.ts';
import type { DatabaseConnection } from '../pools.ts';
import {
  COUNTERS,
  FORMAT,
  FORMAT_VERSION,
  ROWS_PER_BATCH,
  TRANSFERRED_TABLES,
  type TransferCounts,
  type TransferredTable,
} from './tables.ts';

/** A row as the export wrote it. It is not parsed here: PostgreSQL's numbers are larger than JavaScript's. */
const ROW = /^\{"table":"([a-z_]+)","row":(\{.*\})\}$/s;

/**
 * Reads an export into an empty database: all of it or, when a line is missing, changed or too much, nothing.
 * @throws AppError invalid_request for a file that is none or damaged, conflict when the database holds rows,
 * not_configured when the file was made with another schema, database_unavailable.
 */
export async function importData(connection: DatabaseConnection, file: string): Promise<TransferCounts> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('begin');
    await requireEmpty(client);
    const counts = await readFile(client, file);
    for (const { table, column } of COUNTERS) {
      const sequence = `pg_get_serial_sequence('${table}', '${column}')`;
      await client.query(`select setval(${sequence}, max(${column})) from ${table} having max(${column}) is not null`);
    }
    await client.query('commit');
    return counts;
  } catch (error) {
    // A file that cannot be read is the operator's to see as it is.
    throw isFileError(error) ? error : toDatabaseError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function requireEmpty(client: pg.Client): Promise<void> {
  for (const table of TRANSFERRED_TABLES) {
    await client.query(`lock table ${table} in exclusive mode`);
    const { rowCount } = await client.query(`select from ${table} limit 1`);
    if (rowCount !== 0) {
      throw new AppError('conflict', {
        detail: `the database is not empty (${table} holds rows). Import into a new DATA_DIR or database`,
      });
    }
  }
}

async function readFile(client: pg.Client, file: string): Promise<TransferCounts> {
  const hash = createHash('sha256');
  const inserter = new Inserter(client);
  let lineNumber = 0;
  let end: string | null = null;
  for await (const line of linesOf(file)) {
    lineNumber++;
    if (lineNumber === 1) checkHead(line);
    else if (end !== null) throw damaged(lineNumber, 'stands after the end');
    else if (line.startsWith('{"end":')) {
      end = line;
      continue;
    } else await inserter.add(line, lineNumber);
    hash.update(`${line}\n`);
  }
  if (lineNumber === 0) throw new AppError('invalid_request', { detail: 'the file is empty' });
  if (end === null) throw new AppError('invalid_request', { detail: 'the file was cut off: its last line is missing' });
  const counts = await inserter.finish();
  checkEnd(end, counts, hash.digest('hex'));
  return counts;
}

/** Lines as they were written, cut at line feeds alone: node:readline also cuts at U+2028, which a transcript may hold. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, 'utf8')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** Inserts rows in the order they come, as many of one table at once as they allow. */
class Inserter {
  readonly #client: pg.Client;
  readonly #counts = Object.fromEntries(TRANSFERRED_TABLES.map((table) => [table, 0])) as Record<
    TransferredTable,
    number
  >;
  #table: TransferredTable | null = null;
  #rows: string[] = [];

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async add(line: string, lineNumber: number): Promise<void> {
    const [, name, row] = ROW.exec(line) ?? [];
    const table = TRANSFERRED_TABLES.find((known) => known === name);
    if (!table || row === undefined) throw damaged(lineNumber, 'is no row of a known table');
    if (table !== this.#table || this.#rows.length >= ROWS_PER_BATCH) await this.#flush();
    this.#table = table;
    this.#rows.push(row);
  }

  async finish(): Promise<TransferCounts> {
    await this.#flush();
    return this.#counts;
  }

  async #flush(): Promise<void> {
    if (this.#table === null || this.#rows.length === 0) return;
    const { rowCount } = await this.#client.query(
      `insert into ${this.#table} select * from json_populate_recordset(null::${this.#table}, $1::json)`,
      [`[${this.#rows.join(',')}]`],
    );
    this.#counts[this.#table] += rowCount ?? 0;
    this.#rows = [];
  }
}

function checkHead(line: string): void {
  const head = parse(line) as { format?: unknown; version?: unknown; schema?: unknown } | null;
  if (head?.format !== FORMAT || head.version !== FORMAT_VERSION) {
    throw new AppError('invalid_request', { detail: 'the file is no data export of this server' });
  }
  if (head.schema !== SCHEMA_VERSION) {
    throw new AppError('not_configured', {
      detail: `the file was made with schema ${String(head.schema)} and this server has ${SCHEMA_VERSION}. Import it with the version that made it, then upgrade`,
    });
  }
}

function checkEnd(line: string, counts: TransferCounts, sha256: string): void {
  const end = parse(line) as { end?: Partial<TransferCounts>; sha256?: unknown } | null;
  const isComplete = TRANSFERRED_TABLES.every((table) => end?.end?.[table] === counts[table]);
  if (end?.sha256 !== sha256 || !isComplete) {
    throw new AppError('invalid_request', {
      detail: 'the file was changed after it was written: its checksum differs',
    });
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function damaged(lineNumber: number, what: string): AppError {
  return new AppError('invalid_request', { detail: `the file is damaged: line ${lineNumber} ${what}` });
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'open';
}
