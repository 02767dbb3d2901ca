import { sql } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { NewContext, OpenedContext } from '../../core/ports/call-repository.ts';
import { CONTEXT_COLUMNS, type ContextRow, toContext } from './call-rows.ts';
import { FOREIGN_KEY_VIOLATION, sqlState, toDatabaseError, UNIQUE_VIOLATION } from './database-error.ts';
import type { Database } from './pools.ts';
import { type RunPrepared, runWithin } from './prepared.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';

const MAX_ATTEMPTS = 5;
const LIMIT_RETRY_SECONDS = 10;

type OpenedRow = ContextRow & {
  readonly is_new: boolean;
  readonly is_overdue: boolean;
  /** JSON; of a context that was claimed at once. */
  readonly settings: string | null;
};

/** `settings` as JSON, where the context was claimed at once. */
export type OpenedWithSettings = Pick<OpenedContext, 'context' | 'isNew'> & { readonly settings: string | null };

/**
 * Makes a context and its call, or finds the one that a repeated webhook means: one statement either way. A pending one
 * whose time ran out before anybody swept it is expired first. @throws AppError assistant_not_found, database_unavailable.
 */
export async function openContext(
  db: Database,
  context: NewContext,
  run: RunPrepared = runWithin(db),
): Promise<OpenedWithSettings> {
  for (let attempt = 1; ; attempt++) {
    try {
      const row = await insertWithin(db, context, run);
      if (!row.is_overdue) return { context: toContext(row), isNew: row.is_new, settings: row.settings };
      await expire(db, row.context_id);
    } catch (error) {
      if (sqlState(error) === FOREIGN_KEY_VIOLATION) {
        throw new AppError('assistant_not_found', {
          detail: `assistant ${context.assistantId} has no version ${context.assistantVersion}`,
          cause: error,
        });
      }
      // Two nodes made the same attempt of the same call at once: the other one's is there now.
      if (!isSameAttempt(error) || attempt === MAX_ATTEMPTS) throw toDatabaseError(error);
    }
    if (attempt === MAX_ATTEMPTS) throw new AppError('database_unavailable', { detail: 'the call changes too fast' });
  }
}

function isSameAttempt(error: unknown): boolean {
  const { constraint } = error as { constraint?: unknown };
  return sqlState(error) === UNIQUE_VIOLATION && constraint === 'calls_attempt';
}

/** With a limit the assistant's calls are opened one after the other, so that none slips past it. */
async function insertWithin(db: Database, context: NewContext, run: RunPrepared): Promise<OpenedRow> {
  const { maxOpenCalls = null, assistantId, providerCallId } = context;
  if (maxOpenCalls === null) return await insertOrFind(run, context);
  return await db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`calls of ${assistantId}`}, 0))`.execute(transaction);
    const callId = providerCallId === null ? null : toStorableText(providerCallId);
    const { rows } = await sql<{ others: number; is_there: boolean }>`
      select count(*)::int as others, coalesce(bool_or(provider_call_id = ${callId}), false) as is_there
      from calls where assistant_id = ${assistantId} and direction = 'inbound'
        and (context_status = 'claimed' or (context_status = 'pending' and expires_at > now()))`.execute(transaction);
    const [open] = rows;
    if (open && !open.is_there && open.others >= maxOpenCalls) {
      throw new AppError('limit_reached', {
        detail: `the assistant takes ${maxOpenCalls} calls at once`,
        retryAfterSeconds: LIMIT_RETRY_SECONDS,
      });
    }
    return await insertOrFind(runWithin(transaction), context);
  });
}

/** The update changes nothing: it makes the row that is there come back. xmax is 0 in a row that was just inserted. */
const INSERT_OR_FIND = {
  name: 'open-context',
  text: `
    insert into calls (
      context_id, conversation_id, attempt, project_id, assistant_id, assistant_version, deployment_id, credential_id,
      channel, direction, from_number, to_number, provider_call_id, unverified, args, metadata, expires_at,
      context_status, claimed_by, status, claimed_at, answered_at
    ) select
      $1, coalesce(last.conversation_id, $2), coalesce(last.attempt, 0) + 1,
      $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, now() + make_interval(secs => $16::float8 / 1000),
      held.context_status, $17, held.status, held.since, held.since
    from (
      select case when $17::text is null then 'pending' else 'claimed' end as context_status,
             case when $17::text is null then 'ringing' else 'live' end as status,
             case when $17::text is null then null else now() end as since
    ) as held left join (
      select conversation_id, attempt from calls
      where project_id = $3 and assistant_id = $4 and channel = $8 and provider_call_id = $12
      order by attempt desc limit 1
    ) as last on true
    on conflict (project_id, assistant_id, channel, provider_call_id) where context_status in ('pending', 'claimed')
      do update set channel = excluded.channel
    returning ${CONTEXT_COLUMNS},
      xmax = 0 as is_new, xmax <> 0 and context_status = 'pending' and expires_at <= now() as is_overdue,
      case when $17::text is not null and xmax = 0 then (
        select settings::text from assistant_versions v
        where v.assistant_id = calls.assistant_id and v.version = calls.assistant_version
      ) end as settings`,
};

async function insertOrFind(run: RunPrepared, context: NewContext): Promise<OpenedRow> {
  const text = (value: string | null) => (value === null ? null : toStorableText(value));
  const [row] = await run<OpenedRow>(INSERT_OR_FIND, [
    context.contextId,
    context.conversationId,
    context.projectId,
    context.assistantId,
    context.assistantVersion,
    context.deploymentId,
    context.credentialId,
    context.channel,
    context.direction,
    text(context.from),
    text(context.to),
    text(context.providerCallId),
    context.isUnverified,
    toStorableJson(context.args),
    toStorableJson(context.metadata),
    context.ttlMs,
    context.claimFor ?? null,
  ]);
  if (!row) throw new AppError('internal', { detail: 'an insert returned no row' });
  return row;
}

async function expire(db: Database, contextId: string): Promise<void> {
  await sql`
    update calls
    set context_status = 'expired', status = 'failed', end_reason = 'never_connected', ended_at = now()
    where context_id = ${contextId} and context_status = 'pending' and expires_at <= now()`.execute(db);
}
