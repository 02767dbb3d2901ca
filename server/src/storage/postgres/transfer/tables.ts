import type { DatabaseSchema } from '../schema.ts';

/** What a transfer carries, in an order in which every row finds what it refers to. */
export const TRANSFERRED_TABLES = [
  'projects',
  'assistants',
  'assistant_versions',
  'api_keys',
  'credentials',
  'deployments',
  'number_lists',
  'audit_entries',
  'calls',
  'call_turns',
  'call_events',
  'call_transfers',
] as const satisfies readonly (keyof DatabaseSchema)[];

/** What each installation makes for itself; calls that wait to be placed are not to be placed twice. */
export const LEFT_OUT_TABLES = [
  'nodes',
  'shared_secrets',
  'idempotency_keys',
  'outbound_calls',
] as const satisfies readonly (keyof DatabaseSchema)[];

export type TransferredTable = (typeof TRANSFERRED_TABLES)[number];

/** Columns that count up by themselves: told where to go on after an import. */
export const COUNTERS: readonly { readonly table: TransferredTable; readonly column: string }[] = [
  { table: 'projects', column: 'id' },
  { table: 'audit_entries', column: 'id' },
  { table: 'calls', column: 'position' },
  { table: 'number_lists', column: 'position' },
];

/** How many rows of each table a transfer held. */
export type TransferCounts = Readonly<Record<TransferredTable, number>>;

export const FORMAT = 'assistant-api-data';
export const FORMAT_VERSION = 1;
/** Rows that are in memory at once. */
export const ROWS_PER_BATCH = 500;
