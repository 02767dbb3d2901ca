import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const STATEMENTS = [
  sql`create table idempotency_keys (
    project_id bigint not null references projects,
    key text not null,
    -- Of route and body: a key means one request.
    request_hash bytea not null,
    -- The id that the first try gave what it makes; a repeated try makes the same one.
    resource_id text not null,
    status integer,
    response jsonb,
    created_at timestamptz not null default now(),
    primary key (project_id, key)
  )`,
  sql`create index idempotency_keys_age on idempotency_keys (created_at)`,
  sql`create table outbound_calls (
    context_id uuid primary key references calls on delete cascade,
    project_id bigint not null,
    deployment_id uuid not null,
    credential_id uuid not null,
    options jsonb not null,
    state text not null default 'queued' check (state in ('queued', 'placing', 'placed', 'done')),
    attempt integer not null default 0,
    lease_owner text,
    lease_until timestamptz,
    not_before timestamptz not null default now(),
    placing_since timestamptz,
    placed_at timestamptz,
    last_error text,
    created_at timestamptz not null default now(),
    check ((state = 'placing') = (lease_owner is not null and lease_until is not null))
  )`,
  sql`create index outbound_calls_due on outbound_calls (not_before) where state = 'queued'`,
  sql`create index outbound_calls_leased on outbound_calls (lease_until) where state = 'placing'`,
  sql`create index outbound_calls_rate on outbound_calls (deployment_id, placing_since)`,
  // The wake-up of graphile-worker, where it is installed: a sweep finds the row without it, only later.
  sql`create function wake_outbound(context uuid, at timestamptz) returns void language plpgsql as $$
    begin
      if to_regproc('graphile_worker.add_job') is not null then
        perform graphile_worker.add_job('call.originate', json_build_object('contextId', context),
          run_at := at, max_attempts := 1, job_key := 'call.originate:' || context);
      end if;
    end $$`,
];

/** Calls to be placed, each row its own work order, and requests that may be repeated. */
export const outbound: Migration = {
  up: async (db: Kysely<unknown>) => {
    for (const statement of STATEMENTS) await statement.execute(db);
  },
};
