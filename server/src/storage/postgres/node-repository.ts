import { sql } from 'kysely';
import type { ContextId, NodeId } from '../../core/ids.ts';
import type { NodeRepository } from '../../core/ports/node-repository.ts';
import { toDatabaseError } from './database-error.ts';
import type { Database, Databases } from './pools.ts';
import { isProcessAlive, processSpace, processStartTime } from './process-identity.ts';

type Registration = Parameters<NodeRepository['register']>[0];

/** Rows ended by one sweep of contexts; the next sweep takes the rest. */
const SWEEP_LIMIT = 500;
/** On these, a call that rings is held by the process that placed it, and by no carrier: it ends with its process. */
const OWN_SIGNALLING = ['sip'];

/** The processes sharing the database, in PostgreSQL. All times are the database's own, so clocks may differ. */
export class PostgresNodeRepository implements NodeRepository {
  readonly #media: Database;
  readonly #api: Database;
  readonly #registered = new Map<NodeId, Registration>();
  readonly #space = processSpace();

  constructor({ media, api }: Databases) {
    this.#media = media;
    this.#api = api;
  }

  async register(node: Registration): Promise<void> {
    this.#registered.set(node.id, node);
    await this.#insert(node, 0);
  }

  async beat(id: NodeId, activeCalls: number): Promise<void> {
    const { rows } = await sql`
      update nodes set heartbeat_at = now(), active_calls = ${activeCalls} where id = ${id} returning id`
      .execute(this.#media)
      .catch(rethrow);
    const node = this.#registered.get(id);
    // Taken for dead while the machine slept: back again, for the calls to come.
    if (rows.length === 0 && node) await this.#insert(node, activeCalls);
  }

  async alive(silentMs: number): Promise<readonly NodeId[]> {
    const { rows } = await sql<{ id: NodeId }>`
      select id from nodes where heartbeat_at >= now() - make_interval(secs => ${silentMs}::float8 / 1000) order by id`
      .execute(this.#api)
      .catch(rethrow);
    return rows.map(({ id }) => id);
  }

  async leave(id: NodeId): Promise<void> {
    this.#registered.delete(id);
    await this.#api.deleteFrom('nodes').where('id', '=', id).execute().catch(rethrow);
  }

  async reap(silentMs: number): Promise<readonly ContextId[]> {
    const gone = await this.#goneHere();
    const silence = sql`make_interval(secs => ${silentMs}::float8 / 1000)`;
    const { rows } = await sql<{ context_id: ContextId }>`
      with gone as (
        delete from nodes where heartbeat_at < now() - ${silence} or id = any(${gone}) returning id
      ), lost as (
        update calls
        set context_status = 'failed', status = 'failed', end_reason = 'node_lost', ended_at = now()
        where context_status = 'claimed'
          and (claimed_by in (select id from gone)
            or (claimed_at < now() - ${silence} and not exists (select from nodes where nodes.id = claimed_by)))
        returning context_id
      ), unplaced as (
        update calls
        set context_status = 'failed', status = 'failed', end_reason = 'node_lost', ended_at = now()
        from outbound_calls o
        where o.context_id = calls.context_id and calls.context_status = 'pending'
          and calls.channel = any(${OWN_SIGNALLING}) and o.state in ('placing', 'placed')
          and o.placing_since is not null
          and (o.lease_owner in (select id from gone)
            or (o.placing_since < now() - ${silence} and not exists (select from nodes where nodes.id = o.lease_owner)))
        returning calls.context_id
      ), overdue as (
        select context_id from calls where context_status = 'pending' and expires_at <= now()
        order by expires_at limit ${SWEEP_LIMIT} for update skip locked
      ), expired as (
        update calls
        set context_status = 'expired', status = 'failed', end_reason = 'never_connected', ended_at = now()
        from overdue where calls.context_id = overdue.context_id and context_status = 'pending'
        returning calls.context_id
      )
      select context_id from lost union all select context_id from unplaced union all select context_id from expired`
      .execute(this.#api)
      .catch(rethrow);
    await this.#settleLostTransfers();
    return rows.map(({ context_id }) => context_id);
  }

  /** Transfers whose process died while it was dialling: the caller never left it, so nobody else will say how they went. */
  async #settleLostTransfers(): Promise<void> {
    await sql`
      update call_transfers set state = 'failed', failure = 'unreachable', over_at = now()
      from calls where calls.context_id = call_transfers.context_id and calls.end_reason = 'node_lost'
        and call_transfers.state in ('asked', 'dialling') and not call_transfers.is_handed_over`
      .execute(this.#api)
      .catch(rethrow);
  }

  async #insert(node: Registration, activeCalls: number): Promise<void> {
    await sql`
      insert into nodes (id, host, pid, url, process_space, process_started, active_calls)
      values (${node.id}, ${node.host}, ${node.pid}, ${node.url}, ${this.#space}, ${processStartTime(node.pid)}, ${activeCalls})
      on conflict (id) do update set host = excluded.host, pid = excluded.pid, url = excluded.url,
        process_space = excluded.process_space, process_started = excluded.process_started,
        active_calls = excluded.active_calls, heartbeat_at = now()`
      .execute(this.#media)
      .catch(rethrow);
  }

  /** Nodes whose process is known to be gone, because its id is ours to see: no need to wait for their silence. */
  async #goneHere(): Promise<readonly string[]> {
    const rows = await this.#api
      .selectFrom('nodes')
      .select(['id', 'pid', 'process_started'])
      .where('process_space', '=', this.#space)
      .execute()
      .catch(rethrow);
    return rows.filter((row) => !this.#registered.has(row.id as NodeId) && isGone(row)).map(({ id }) => id);
  }
}

/** A process is gone when its id is free, or belongs to one that started at another time. */
function isGone({ pid, process_started }: { pid: number; process_started: string | null }): boolean {
  return !isProcessAlive(pid) || (process_started !== null && processStartTime(pid) !== process_started);
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}
