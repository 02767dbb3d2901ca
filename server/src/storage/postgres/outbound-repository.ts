import { type Selectable, sql } from 'kysely';
import type { OutboundCall, OutboundOptions } from '../../core/call/outbound-call.ts';
import { AppError } from '../../core/errors.ts';
import type { ContextId, CredentialId, DeploymentId, NodeId } from '../../core/ids.ts';
import type { OpenedContext } from '../../core/ports/call-repository.ts';
import type { PlacedCall } from '../../core/ports/channel.ts';
import type { DialLimits, OutboundRepository } from '../../core/ports/outbound-repository.ts';
import { toContext } from './call-rows.ts';
import { sqlState, toDatabaseError, UNIQUE_VIOLATION } from './database-error.ts';
import { openContext } from './open-context.ts';
import type { Database, Databases } from './pools.ts';
import type { CallRow } from './schema.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';

type Order = Parameters<OutboundRepository['enqueue']>[0];
type TakenRow = Selectable<CallRow> & {
  readonly order_deployment: string;
  readonly order_credential: string;
  readonly options: OutboundOptions;
  readonly order_attempt: number;
  readonly placing_since: Date | null;
};

const MOST_UNANSWERED = 200;
const MOST_PLACED = 1_000;

/** Outbound orders in PostgreSQL: leases by conditional updates, all times the database's own. */
export class PostgresOutboundRepository implements OutboundRepository {
  readonly #api: Database;

  constructor({ api }: Pick<Databases, 'api'>) {
    this.#api = api;
  }

  async enqueue(order: Order): Promise<OpenedContext> {
    try {
      return await this.#insert(order);
    } catch (error) {
      // The same request came twice at once, and the other one was first.
      const isThere = sqlState(error instanceof AppError ? error.cause : error) === UNIQUE_VIOLATION;
      if (isThere) return await this.#insert(order).catch(rethrow);
      return rethrow(error);
    }
  }

  async #insert({ context, deploymentId, credentialId, options, maxPerDay }: Order): Promise<OpenedContext> {
    return await this.#api.transaction().execute(async (transaction) => {
      const known = await transaction
        .selectFrom('calls')
        .selectAll()
        .where('context_id', '=', context.contextId)
        .executeTakeFirst();
      if (known) return { context: toContext(known), isNew: false };
      if (maxPerDay !== undefined) await requireBelow(transaction, deploymentId, maxPerDay);
      const opened = await openContext(transaction, context);
      await sql`update calls set status = 'queued' where context_id = ${context.contextId}`.execute(transaction);
      await sql`
          insert into outbound_calls (context_id, project_id, deployment_id, credential_id, options)
          values (${context.contextId}, ${context.projectId}, ${deploymentId}, ${credentialId}, ${toStorableJson(options)}::jsonb)`.execute(
        transaction,
      );
      await sql`select wake_outbound(${context.contextId}::uuid, now())`.execute(transaction);
      return opened;
    });
  }

  async optionsOf(contextId: ContextId): Promise<OutboundOptions | null> {
    const { rows } = await sql<{ options: OutboundOptions }>`
      select options from outbound_calls where context_id = ${contextId}`
      .execute(this.#api)
      .catch(rethrow);
    return rows[0]?.options ?? null;
  }

  async take(nodeId: NodeId, leaseMs: number, contextId?: ContextId): Promise<OutboundCall | null> {
    const { rows } = await sql<TakenRow>`
      with due as (
        select o.context_id from outbound_calls o join calls c using (context_id)
        where ((o.state = 'queued' and o.not_before <= now()) or (o.state = 'placing' and o.lease_until <= now()))
          and c.status in ('queued', 'ringing', 'live') and c.expires_at > now()
          and (${contextId ?? null}::uuid is null or o.context_id = ${contextId ?? null}::uuid)
        order by o.not_before limit 1
        for update of o skip locked
      ), taken as (
        update outbound_calls o
        set state = 'placing', attempt = attempt + 1, lease_owner = ${nodeId},
            lease_until = now() + make_interval(secs => ${leaseMs}::float8 / 1000)
        from due where o.context_id = due.context_id
        returning o.*
      )
      select c.*, taken.deployment_id as order_deployment, taken.credential_id as order_credential, taken.options,
             taken.attempt as order_attempt, taken.placing_since
      from taken join calls c using (context_id)`
      .execute(this.#api)
      .catch(rethrow);
    return rows[0] ? toOutboundCall(rows[0]) : null;
  }

  async reserve(contextId: ContextId, limits: DialLimits): Promise<number> {
    const { deploymentId, credentialId, maxPerMinute, maxConcurrent, spacingMs } = limits;
    const { rows: used } = await sql<{ minute_wait_ms: number | null; in_minute: number; open: number }>`
      select
        (select count(*)::int from outbound_calls
          where deployment_id = ${deploymentId} and placing_since > now() - interval '1 minute') as in_minute,
        (select extract(epoch from min(placing_since) + interval '1 minute' - now())::float8 * 1000 from outbound_calls
          where deployment_id = ${deploymentId} and placing_since > now() - interval '1 minute') as minute_wait_ms,
        (select count(*)::int from calls c join outbound_calls o using (context_id)
          where o.deployment_id = ${deploymentId} and c.context_id <> ${contextId}
            and c.status in ('queued', 'ringing', 'live') and o.placing_since is not null) as open`
      .execute(this.#api)
      .catch(rethrow);
    const { in_minute = 0, minute_wait_ms = null, open = 0 } = used[0] ?? {};
    if (open >= maxConcurrent) return CONCURRENCY_WAIT_MS;
    if (in_minute >= maxPerMinute) return Math.max(100, Math.ceil(minute_wait_ms ?? 1_000));
    if (spacingMs === 0) return 0;
    // Whoever moves the account's next moment on may dial; the others are told when to come back.
    const { rows } = await sql<{ wait_ms: number; is_mine: boolean }>`
      with mine as (
        update credentials set next_dial_at = now() + make_interval(secs => ${spacingMs}::float8 / 1000)
        where id = ${credentialId} and next_dial_at <= now() returning id
      )
      select exists (select from mine) as is_mine,
             greatest(0, extract(epoch from next_dial_at - now()))::float8 * 1000 as wait_ms
      from credentials where id = ${credentialId}`
      .execute(this.#api)
      .catch(rethrow);
    const [slot] = rows;
    return !slot || slot.is_mine ? 0 : Math.max(50, Math.ceil(slot.wait_ms));
  }

  async placing(contextId: ContextId, nodeId: NodeId): Promise<boolean> {
    const { rows } = await sql`
      update outbound_calls o set placing_since = coalesce(placing_since, now())
      from calls c
      where o.context_id = ${contextId} and c.context_id = o.context_id and o.state = 'placing'
        and o.lease_owner = ${nodeId} and o.lease_until > now() and c.status = 'queued'
      returning o.context_id`
      .execute(this.#api)
      .catch(rethrow);
    return rows.length > 0;
  }

  async release(
    contextId: ContextId,
    nodeId: NodeId,
    { afterMs, isUnasked, error }: Parameters<OutboundRepository['release']>[2],
  ): Promise<void> {
    const at = sql`now() + make_interval(secs => ${afterMs}::float8 / 1000)`;
    // What may have been placed stays leased to nobody in particular until then, and is looked for first.
    await sql`
      with released as (
        update outbound_calls set
          state = case when ${isUnasked} then 'queued' else 'placing' end,
          lease_owner = case when ${isUnasked} then null else lease_owner end,
          lease_until = case when ${isUnasked} then null else ${at} end,
          placing_since = case when ${isUnasked} then null else placing_since end,
          attempt = attempt - case when ${isUnasked && error === null} then 1 else 0 end,
          not_before = ${at}, last_error = coalesce(${error === null ? null : toStorableText(error)}, last_error)
        where context_id = ${contextId} and state = 'placing' and lease_owner = ${nodeId}
        returning context_id, not_before
      )
      select wake_outbound(context_id, not_before) from released`
      .execute(this.#api)
      .catch(rethrow);
  }

  async placed(contextId: ContextId, providerCallId: string, answerWithinMs: number): Promise<boolean> {
    const { rows } = await sql<{ is_open: boolean }>`
      with done as (
        update outbound_calls set state = 'placed', lease_until = null, placed_at = now(),
          placing_since = coalesce(placing_since, now())
        where context_id = ${contextId}
      )
      update calls set
        provider_call_id = ${toStorableText(providerCallId)},
        status = case when status = 'queued' then 'ringing' else status end,
        expires_at = case when context_status = 'pending'
          then now() + make_interval(secs => ${answerWithinMs}::float8 / 1000) else expires_at end
      where context_id = ${contextId}
      returning status not in ('ended', 'failed') as is_open`
      .execute(this.#api)
      .catch(rethrow);
    return rows[0]?.is_open ?? false;
  }

  async close(contextId: ContextId, error: string | null): Promise<void> {
    await this.#api
      .updateTable('outbound_calls')
      .set({
        state: 'done',
        lease_owner: null,
        lease_until: null,
        last_error: error === null ? null : toStorableText(error),
      })
      .where('context_id', '=', contextId)
      .execute()
      .catch(rethrow);
  }

  async placedOver(credentialIds: readonly CredentialId[]): Promise<readonly PlacedCall[]> {
    const { rows } = await sql<{ context_id: ContextId; provider_call_id: string }>`
      select c.context_id, c.provider_call_id from outbound_calls o join calls c using (context_id)
      where o.credential_id = any(${credentialIds}::uuid[]) and o.state = 'placed' and c.status in ('ringing', 'live')
        and c.context_status = 'pending' and c.provider_call_id is not null
      order by o.placed_at desc limit ${MOST_PLACED}`
      .execute(this.#api)
      .catch(rethrow);
    return rows.map((row) => ({ contextId: row.context_id, providerCallId: row.provider_call_id }));
  }

  async unanswered(graceMs: number): Promise<readonly ContextId[]> {
    const { rows } = await sql<{ context_id: ContextId }>`
      select c.context_id from outbound_calls o join calls c using (context_id)
      where o.state = 'placed' and c.status = 'ringing' and c.context_status = 'pending'
        and o.placed_at + make_interval(secs => (o.options ->> 'ringTimeoutSeconds')::float8 + ${graceMs}::float8 / 1000) < now()
      limit ${MOST_UNANSWERED}`
      .execute(this.#api)
      .catch(rethrow);
    return rows.map(({ context_id }) => context_id);
  }
}

const CONCURRENCY_WAIT_MS = 1_000;

/** Orders of one line come one after the other, so that none slips past the limit. */
async function requireBelow(transaction: Database, deploymentId: DeploymentId, maxPerDay: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`orders of ${deploymentId}`}, 0))`.execute(transaction);
  const { rows } = await sql<{ today: number; wait_seconds: number | null }>`
    select count(*)::int as today,
           ceil(extract(epoch from min(created_at) + interval '1 day' - now()))::int as wait_seconds
    from outbound_calls where deployment_id = ${deploymentId} and created_at > now() - interval '1 day'`.execute(
    transaction,
  );
  const { today = 0, wait_seconds = null } = rows[0] ?? {};
  if (today < maxPerDay) return;
  throw new AppError('limit_reached', {
    detail: `the line places ${maxPerDay} calls within 24 hours (max_calls_per_day of the deployment)`,
    retryAfterSeconds: Math.max(1, wait_seconds ?? 1),
  });
}

function toOutboundCall(row: TakenRow): OutboundCall {
  return {
    context: toContext(row),
    deploymentId: row.order_deployment as DeploymentId,
    credentialId: row.order_credential as CredentialId,
    options: row.options,
    attempt: row.order_attempt,
    placingSince: row.placing_since,
  };
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}
