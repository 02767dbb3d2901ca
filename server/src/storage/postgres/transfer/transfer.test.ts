import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshStorage } from '../../../../test/postgres/fresh-database.ts';
import { SAMPLE_SETTINGS, sampleAssistant, sampleContext, sampleTurn } from '../../../../test/postgres/sample-calls.ts';
import type { ApiKeyId, AssistantId, NodeId, TransferId } from '../../../core/ids.ts';
import { LEFT_OUT_TABLES, TRANSFERRED_TABLES } from './tables.ts';

type FreshStorage = Awaited<ReturnType<typeof freshStorage>>;

let folder: string;
let source: FreshStorage;
let file: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'transfer-'));
  source = await freshStorage();
  await fill(source);
  file = join(folder, 'export.jsonl');
  await source.exportTo(file);
});
afterAll(async () => {
  await source[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Every table, with the values that transfers like to lose. */
async function fill({ assistants, apiKeys, calls, transfers }: FreshStorage): Promise<void> {
  const sample = await sampleAssistant(assistants);
  await assistants.create({
    id: '9007199254740991' as AssistantId,
    projectId: sample.projectId,
    name: 'Zeile 1\nline 2 "quoted" \\x41 {"end":1} 🙂',
    settings: SAMPLE_SETTINGS,
  });
  await apiKeys.create({
    id: '11111111-2222-4333-8444-555555555555' as ApiKeyId,
    projectId: sample.projectId,
    name: 'key',
    prefix: 'rpd-abcd',
    scopes: ['talk', 'admin'],
    isSealed: true,
    expiresAt: new Date('2030-01-01T00:00:00.123Z'),
    hash: Uint8Array.from({ length: 32 }, (_, index) => index),
    sealed: {
      algorithm: 'A256GCM.v1',
      keyId: '1',
      wrappedKey: Uint8Array.of(0, 255),
      sealed: Uint8Array.of(92, 120, 0),
    },
  });
  for (let count = 0; count < 1_200; count++) await calls.open(sampleContext(sample, { metadata: { count } }));
  const { context } = await calls.open(sampleContext(sample, { from: null }));
  await calls.claim(context.contextId, 'twilio', 'node' as NodeId);
  await calls.append([
    {
      contextId: context.contextId,
      turns: [sampleTurn(0, { text: 'Grüße\u2028', startedAtMs: 0.1 + 0.2 })],
      events: [{ seq: 0, atMs: 1 / 3, type: 'x', data: { a: null, b: true } }],
      dtmf: '*#',
    },
  ]);
  await transfers.ask({
    ...context,
    transferId: '21111111-2222-4333-8444-555555555555' as TransferId,
    to: '+14155552671',
    bookmark: { node: 'agent', variables: { name: '🙂' } },
  });
  await calls.end(context.contextId, 'idle');
}

/** Everything in a database, as PostgreSQL writes it. */
async function dump({ url }: FreshStorage): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const tables = await Promise.all(
    TRANSFERRED_TABLES.map(async (table) => {
      const { rows } = await client.query<{ row: string }>(`select ${table}::text as row from ${table} order by 1`);
      return `${table}\n${rows.map(({ row }) => row).join('\n')}`;
    }),
  );
  await client.end();
  return tables.join('\n');
}

describe('a round trip', () => {
  test('gives back every row of every table, bit for bit, and numbers go on after the last', async () => {
    await using target = await freshStorage();

    const counts = await target.importFrom(file);

    expect(counts).toEqual({
      projects: 1,
      assistants: 2,
      assistant_versions: 2,
      api_keys: 1,
      credentials: 0,
      deployments: 0,
      number_lists: 0,
      audit_entries: 0,
      calls: 1_201,
      call_turns: 1,
      call_events: 1,
      call_transfers: 1,
    });
    expect(await dump(target)).toBe(await dump(source));
    expect((await target.assistants.createProject('next')).id).toBe('2');
  });

  test('the file is for its owner only and holds a known head', () => {
    const [head] = readFileSync(file, 'utf8').split('\n', 1);

    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(head as string)).toMatchObject({
      format: 'assistant-api-data',
      version: 1,
      schema: '0005-limits',
    });
  });

  test('every table of the database is carried or left out on purpose', async () => {
    const client = new pg.Client({ connectionString: source.url });
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public' and table_name not like 'kysely%'",
    );
    await client.end();

    expect(rows.map(({ name }) => name).toSorted()).toEqual([...TRANSFERRED_TABLES, ...LEFT_OUT_TABLES].toSorted());
  });
});

describe('refused, with nothing written', () => {
  const cases: readonly (readonly [string, (lines: string[]) => string[], string])[] = [
    ['a file cut off', (lines) => lines.slice(0, -1), 'was cut off'],
    ['a line missing', (lines) => lines.toSpliced(5, 1), 'its checksum differs'],
    [
      'a changed value',
      (lines) => lines.map((line) => line.replace('"count": 7}', '"count": 8}')),
      'its checksum differs',
    ],
    ['a line too much', (lines) => [...lines, lines[3] as string], 'stands after the end'],
    ['nonsense in between', (lines) => lines.toSpliced(3, 0, 'drop table calls'), 'line 4 is no row of a known table'],
    ['another table', (lines) => lines.toSpliced(3, 0, '{"table":"nodes","row":{}}'), 'line 4 is no row'],
    ['another program’s file', () => ['{"hello":1}'], 'is no data export of this server'],
    ['another schema', (lines) => [(lines[0] as string).replace('0005-limits', '0000-x')], 'made with schema 0000-x'],
    ['an empty file', () => [], 'the file is empty'],
  ];

  let target: FreshStorage;
  beforeAll(async () => {
    target = await freshStorage();
  });
  afterAll(() => target[Symbol.asyncDispose]());

  test.each(cases)('%s', async (_, change, message) => {
    const changed = join(folder, 'changed.jsonl');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    writeFileSync(
      changed,
      change(lines)
        .map((line) => `${line}\n`)
        .join(''),
    );

    await expect(target.importFrom(changed)).rejects.toThrow(message);

    expect(await target.assistants.listProjects()).toEqual([]);
  });

  test('a database that holds rows', async () => {
    await expect(source.importFrom(file)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a file that is not there', async () => {
    await expect(target.importFrom(join(folder, 'none'))).rejects.toThrow('ENOENT');
  });
});
