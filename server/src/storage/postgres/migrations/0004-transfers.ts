import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const STATEMENTS = [
  sql`create table call_transfers (
    transfer_id uuid primary key,
    context_id uuid not null references calls on delete cascade,
    conversation_id bigint not null,
    project_id bigint not null,
    to_number text not null,
    state text not null default 'asked' check (state in ('asked', 'dialling', 'connected', 'failed', 'returned')),
    failure text,
    -- The carrier dials on its own, so the caller may come back in a new attempt of the call.
    is_handed_over boolean not null default false,
    bookmark jsonb,
    return_context_id uuid,
    asked_at timestamptz not null default now(),
    dialling_at timestamptz,
    over_at timestamptz,
    check ((state in ('failed', 'returned')) = (failure is not null)),
    check ((state in ('connected', 'failed', 'returned')) = (over_at is not null))
  )`,
  sql`create index call_transfers_call on call_transfers (context_id, asked_at)`,
  sql`create index call_transfers_conversation on call_transfers (conversation_id, asked_at)`,
];

/** Calls that were handed to somebody else, or were to be. */
export const transfers: Migration = {
  up: async (db: Kysely<unknown>) => {
    for (const statement of STATEMENTS) await statement.execute(db);
  },
};
