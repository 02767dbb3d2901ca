import { type RawBuilder, type Selectable, sql } from 'kysely';
import { type CallStatus, type ChannelName, type EndReason, terminalStatus } from '../../core/call/call.ts';
import type { CallContext, ClaimedContext, ContextStatus } from '../../core/call/call-context.ts';
import type { CallEvent } from '../../core/call/call-record.ts';
import { AppError } from '../../core/errors.ts';
import type { AssistantId, ContextId, NodeId, ProjectId } from '../../core/ids.ts';
import type {
  CallDetail,
  CallEnding,
  CallPage,
  CallQuery,
  CallRecordBatch,
  CallRepository,
  NewContext,
  OpenedContext,
} from '../../core/ports/call-repository.ts';
import { appendRecords } from './append-records.ts';
import { CONTEXT_COLUMNS, type ContextRow, toCall, toContext, toEvent, toTurn } from './call-rows.ts';
import { toDatabaseError } from './database-error.ts';
import { KnownSettings } from './known-settings.ts';
import { openContext } from './open-context.ts';
import type { Database, Databases } from './pools.ts';
import type { RunPrepared } from './prepared.ts';
import type { CallEventRow } from './schema.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';
import { toTransfer } from './transfer-repository.ts';

const MAX_PAGE = 200;
const MOST_NOTE_ATTEMPTS = 5;
const FORWARD: readonly CallStatus[] = ['queued', 'ringing', 'live'];

/** The settings come as text: those of a version never change, and most are known. */
const CLAIM = {
  name: 'claim-context',
  text: `
    update calls
    set context_status = 'claimed', claimed_by = $3, claimed_at = now(), status = 'live',
        answered_at = coalesce(answered_at, now())
    from assistant_versions
    where context_id = $1 and channel = $2 and context_status = 'pending' and expires_at > now()
      and assistant_versions.assistant_id = calls.assistant_id
      and assistant_versions.version = calls.assistant_version
    returning ${CONTEXT_COLUMNS}, assistant_versions.settings::text`,
};

const END_ALL = {
  name: 'end-calls',
  text: `
    update calls
    set status = over.status, context_status = over.context_status, end_reason = over.reason, ended_at = now()
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as over(context_id, status, context_status, reason)
    where calls.context_id = over.context_id and calls.status not in ('ended', 'failed')`,
};

/** Calls in PostgreSQL. What a caller waits for goes over the `media` pool, records and pages over `api`. */
export class PostgresCallRepository implements CallRepository {
  readonly #media: Database;
  readonly #api: Database;
  readonly #prepared: RunPrepared;
  readonly #settings = new KnownSettings();

  constructor({ media, api, prepared }: Databases) {
    this.#media = media;
    this.#api = api;
    this.#prepared = prepared;
  }

  async open(wish: NewContext): Promise<OpenedContext> {
    const { context, isNew, settings } = await openContext(this.#media, wish, this.#prepared);
    return settings === null ? { context, isNew } : { context, isNew, claimed: this.#claimed(context, settings) };
  }

  async claim(contextId: ContextId, channel: ChannelName, nodeId: NodeId): Promise<ClaimedContext> {
    const [row] = await this.#prepared<ContextRow & { readonly settings: string }>(CLAIM, [
      contextId,
      channel,
      nodeId,
    ]).catch(rethrow);
    if (row) return this.#claimed(toContext(row), row.settings);
    throw whyNotClaimed(await this.find(contextId), channel);
  }

  #claimed(context: CallContext, settings: string): ClaimedContext {
    return { ...context, status: 'claimed', settings: this.#settings.of(context, settings) };
  }

  async find(contextId: ContextId): Promise<CallContext | null> {
    const row = await this.#media
      .selectFrom('calls')
      .selectAll()
      .where('context_id', '=', contextId)
      .executeTakeFirst()
      .catch(rethrow);
    return row ? toContext(row) : null;
  }

  async findByProviderCall(
    channel: ChannelName,
    providerCallId: string,
    projectId?: ProjectId,
  ): Promise<CallContext | null> {
    let select = this.#media
      .selectFrom('calls')
      .selectAll()
      .where('channel', '=', channel)
      .where('provider_call_id', '=', toStorableText(providerCallId));
    if (projectId !== undefined) select = select.where('project_id', '=', projectId);
    const row = await select.orderBy('position', 'desc').limit(1).executeTakeFirst().catch(rethrow);
    return row ? toContext(row) : null;
  }

  async countUnverified(assistantId: AssistantId): Promise<{ readonly open: number; readonly lastHour: number }> {
    const { rows } = await sql<{ open: number; last_hour: number }>`
      select count(*) filter (where context_status in ('pending', 'claimed'))::int as open, count(*)::int as last_hour
      from calls where assistant_id = ${assistantId} and unverified and created_at > now() - interval '1 hour'`
      .execute(this.#media)
      .catch(rethrow);
    return { open: rows[0]?.open ?? 0, lastHour: rows[0]?.last_hour ?? 0 };
  }

  async setStatus(contextId: ContextId, status: Exclude<CallStatus, 'ended' | 'failed'>): Promise<boolean> {
    const earlier = FORWARD.slice(0, FORWARD.indexOf(status));
    const { rows } = await sql`
      update calls
      set status = case when status = any(${earlier}) then ${status} else status end,
          answered_at = case when ${status === 'live'} then coalesce(answered_at, now()) else answered_at end
      where context_id = ${contextId} and status not in ('ended', 'failed')
      returning context_id`
      .execute(this.#media)
      .catch(rethrow);
    return rows.length > 0;
  }

  end(contextId: ContextId, reason: EndReason, { wasAnswered = true } = {}): Promise<boolean> {
    return this.#end(contextId, reason, { wasAnswered });
  }

  giveUp(contextId: ContextId, nodeId: NodeId, { isPendingKept }: { isPendingKept: boolean }): Promise<boolean> {
    const isOurs = sql`(claimed_by = ${nodeId} or (context_status = 'pending' and not ${isPendingKept}))`;
    return this.#end(contextId, 'never_connected', { condition: isOurs });
  }

  async #end(
    contextId: ContextId,
    reason: EndReason,
    { condition = sql`true`, wasAnswered = true }: { condition?: RawBuilder<unknown>; wasAnswered?: boolean },
  ): Promise<boolean> {
    const { rows } = await sql`
      update calls
      set status = ${terminalStatus(reason)}, context_status = ${terminalContextStatus(reason)},
          end_reason = ${reason}, ended_at = now(), answered_at = case when ${wasAnswered}::bool then answered_at end
      where context_id = ${contextId} and status not in ('ended', 'failed') and ${condition}
      returning context_id`
      .execute(this.#media)
      .catch(rethrow);
    return rows.length > 0;
  }

  async endAll(endings: readonly CallEnding[]): Promise<void> {
    const reasons = endings.map(({ reason }) => reason);
    const ids = endings.map(({ contextId }) => contextId);
    const statuses = reasons.map(terminalStatus);
    const contextStatuses = reasons.map(terminalContextStatus);
    await this.#prepared(END_ALL, [ids, statuses, contextStatuses, reasons]).catch(rethrow);
  }

  async note(contextId: ContextId, { type, data = {} }: Pick<CallEvent, 'type' | 'data'>): Promise<boolean> {
    for (let attempt = 1; attempt <= MOST_NOTE_ATTEMPTS; attempt++) {
      const { rows } = await sql<{ is_known: boolean; is_added: boolean }>`${noteStatement(contextId, type, data)}`
        .execute(this.#api)
        .catch(rethrow);
      const [row] = rows;
      if (!row || row.is_known) return false;
      // Not added: another note took the number in the same moment.
      if (row.is_added) return true;
    }
    return false;
  }

  append(batch: readonly CallRecordBatch[]): Promise<void> {
    return appendRecords(this.#api, batch).catch(rethrow);
  }

  async list(query: CallQuery): Promise<CallPage> {
    const limit = Math.min(Math.max(1, Math.trunc(query.limit)), MAX_PAGE);
    const before = query.cursor === undefined ? null : readCursor(query.cursor);
    let select = this.#api.selectFrom('calls').selectAll().where('project_id', '=', query.projectId);
    if (before !== null) select = select.where('position', '<', before);
    if (query.status !== undefined) select = select.where('status', '=', query.status);
    if (query.assistantId !== undefined) select = select.where('assistant_id', '=', query.assistantId);
    const rows = await select
      .orderBy('position', 'desc')
      .limit(limit + 1)
      .execute()
      .catch(rethrow);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return { calls: page.map(toCall), nextCursor: last && rows.length > limit ? writeCursor(last.position) : null };
  }

  async get(projectId: ProjectId, contextId: ContextId): Promise<CallDetail | null> {
    const db = this.#api;
    // The row first: turns are written before the end, so a call that has ended is read with its last turn.
    const row = await db
      .selectFrom('calls')
      .selectAll()
      .where('project_id', '=', projectId)
      .where('context_id', '=', contextId)
      .executeTakeFirst()
      .catch(rethrow);
    if (!row) return null;
    const [turns, events, transfers] = await Promise.all([
      db.selectFrom('call_turns').selectAll().where('context_id', '=', contextId).orderBy('index').execute(),
      db.selectFrom('call_events').selectAll().where('context_id', '=', contextId).orderBy('seq').execute(),
      db.selectFrom('call_transfers').selectAll().where('context_id', '=', contextId).orderBy('asked_at').execute(),
    ]).catch(rethrow);
    return {
      call: toCall(row),
      dtmf: row.dtmf,
      turns: turns.map(toTurn),
      events: inTime(events).map(toEvent),
      transfers: transfers.map(toTransfer),
    };
  }
}

/** Notes count down from -1: the journal of the node that holds the call counts its own events up from 0. */
function noteStatement(contextId: ContextId, type: string, data: object) {
  const value = sql`${toStorableJson(data)}::jsonb`;
  return sql`
    with call as (
      select context_id, coalesce(extract(epoch from now() - claimed_at)::float8 * 1000, 0) as at_ms
      from calls where context_id = ${contextId}
    ), known as (
      select from call_events e join call using (context_id) where e.seq < 0 and e.type = ${type} and e.data = ${value}
    ), added as (
      insert into call_events (context_id, seq, at_ms, type, data)
      select context_id, (select least(coalesce(min(seq), 0), 0) - 1 from call_events where context_id = ${contextId}),
             at_ms, ${type}, ${value}
      from call where not exists (select from known)
      on conflict (context_id, seq) do nothing
      returning seq
    )
    select exists (select from known) as is_known, exists (select from added) as is_added from call`;
}

/** What carriers told stands where its time belongs among the journal's events, which keep their order. */
function inTime(rows: readonly Selectable<CallEventRow>[]): readonly Selectable<CallEventRow>[] {
  const notes = rows.filter(({ seq }) => seq < 0).toReversed();
  const events = rows.filter(({ seq }) => seq >= 0);
  for (const note of notes) {
    const next = events.findIndex(({ at_ms }) => at_ms > note.at_ms);
    events.splice(next < 0 ? events.length : next, 0, note);
  }
  return events;
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}

/** A context that ended before its media came is as good as expired; one that ended after was claimed. */
function whyNotClaimed(context: CallContext | null, channel: ChannelName): AppError {
  if (context === null || context.channel !== channel) return new AppError('context_not_found');
  if (context.status === 'claimed' || context.claimedBy !== null) return new AppError('context_claimed');
  return new AppError('context_expired');
}

function terminalContextStatus(reason: EndReason): ContextStatus {
  return reason === 'never_connected' ? 'expired' : terminalStatus(reason);
}

function writeCursor(position: string): string {
  return Buffer.from(position).toString('base64url');
}

function readCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!/^\d{1,18}$/.test(position)) {
    throw new AppError('invalid_parameters', { detail: 'cursor: take nextCursor of the page before, unchanged' });
  }
  return position;
}
