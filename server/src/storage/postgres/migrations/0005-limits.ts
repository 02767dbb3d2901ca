import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const STATEMENTS = [
  sql`create table number_lists (
    id uuid primary key,
    project_id bigint not null references projects,
    list text not null check (list in ('do_not_call', 'blocked_callers')),
    number text not null,
    note text not null default '',
    created_at timestamptz not null default now(),
    -- What pages go by: times may be equal.
    position bigint generated always as identity,
    unique (project_id, list, number)
  )`,
  sql`create index number_lists_page on number_lists (project_id, list, position desc)`,
  sql`alter table assistants add column max_concurrent_calls integer check (max_concurrent_calls > 0)`,
  sql`create index calls_open_of_assistant on calls (assistant_id) where context_status in ('pending', 'claimed')`,
  sql`create index outbound_calls_day on outbound_calls (deployment_id, created_at)`,
];

/** Whom a project does not call and whom it does not hear, and how many calls an assistant takes at once. */
export const limits: Migration = {
  up: async (db: Kysely<unknown>) => {
    for (const statement of STATEMENTS) await statement.execute(db);
  },
};
