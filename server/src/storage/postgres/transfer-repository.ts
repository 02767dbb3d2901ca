import { type RawBuilder, type Selectable, sql } from 'kysely';
import {
  statesBefore,
  type Transfer,
  type TransferBookmark,
  type TransferFailure,
  type TransferState,
} from '../../core/call/transfer.ts';
import type { ContextId, ConversationId, ProjectId, TransferId } from '../../core/ids.ts';
import type { NewTransfer, TransferRepository } from '../../core/ports/transfer-repository.ts';
import { toDatabaseError } from './database-error.ts';
import type { Database, Databases } from './pools.ts';
import type { CallTransferRow } from './schema.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';

type Row = Selectable<CallTransferRow>;

/** Behind everything that the journal of a live call may still write: it counts its own events from 0. */
const FIRST_LATE_SEQ = 1_000_000;

/** Transfers in PostgreSQL, over the `media` pool: a caller waits meanwhile. */
export class PostgresTransferRepository implements TransferRepository {
  readonly #media: Database;

  constructor({ media }: Pick<Databases, 'media'>) {
    this.#media = media;
  }

  async ask({ transferId, contextId, conversationId, projectId, to, bookmark }: NewTransfer): Promise<void> {
    await sql`
      insert into call_transfers (transfer_id, context_id, conversation_id, project_id, to_number, bookmark)
      values (${transferId}, ${contextId}, ${conversationId}, ${projectId}, ${toStorableText(to)},
              ${bookmark === null ? null : toStorableJson(bookmark)})`
      .execute(this.#media)
      .catch(rethrow);
  }

  dial(transferId: TransferId): Promise<boolean> {
    return this.#move(transferId, 'dialling', sql`dialling_at = now()`);
  }

  settle(transferId: TransferId, failed: TransferFailure | null): Promise<boolean> {
    return this.#move(transferId, stateOf(failed), sql`over_at = now(), failure = ${failed}`);
  }

  async handOver(transferId: TransferId): Promise<void> {
    await sql`update call_transfers set is_handed_over = true where transfer_id = ${transferId}`
      .execute(this.#media)
      .catch(rethrow);
  }

  async settleLate(
    { transferId, contextId }: Pick<Transfer, 'transferId' | 'contextId'>,
    failed: TransferFailure | null,
  ): Promise<boolean> {
    const change = sql`over_at = now(), failure = ${failed}, is_handed_over = true`;
    const hasMoved = await this.#move(transferId, stateOf(failed), change);
    if (hasMoved)
      await this.#note(contextId, `transfer_${stateOf(failed)}`, failed === null ? null : { reason: failed });
    return hasMoved;
  }

  async newestOf(contextId: ContextId): Promise<Transfer | null> {
    const row = await this.#media
      .selectFrom('call_transfers')
      .selectAll()
      .where('context_id', '=', contextId)
      .orderBy('asked_at', 'desc')
      .limit(1)
      .executeTakeFirst()
      .catch(rethrow);
    return row ? toTransfer(row) : null;
  }

  async askBack(transferId: TransferId, returnContextId: ContextId): Promise<boolean> {
    const { rows } = await sql`
      update call_transfers set return_context_id = ${returnContextId}
      where transfer_id = ${transferId} and (return_context_id is null or return_context_id = ${returnContextId})
      returning transfer_id`
      .execute(this.#media)
      .catch(rethrow);
    return rows.length > 0;
  }

  async takeReturn(conversationId: ConversationId, contextId: ContextId): Promise<Transfer | null> {
    const { rows } = await sql<Row>`
      update call_transfers
      set state = 'returned', failure = coalesce(failure, 'no_answer'), over_at = coalesce(over_at, now()),
          return_context_id = ${contextId}
      where transfer_id = (
          select transfer_id from call_transfers
          where conversation_id = ${conversationId} and context_id <> ${contextId}
          order by asked_at desc limit 1)
        and is_handed_over
        and (return_context_id = ${contextId} or (return_context_id is null and state in ('dialling', 'failed')))
      returning *`
      .execute(this.#media)
      .catch(rethrow);
    const [row] = rows;
    return row ? toTransfer(row) : null;
  }

  async #move(transferId: TransferId, state: TransferState, change: RawBuilder<unknown>): Promise<boolean> {
    const { rows } = await sql`
      update call_transfers set state = ${state}, ${change}
      where transfer_id = ${transferId} and state = any(${statesBefore(state)})
      returning transfer_id`
      .execute(this.#media)
      .catch(rethrow);
    return rows.length > 0;
  }

  /** A line in the record of a call whose journal is closed. */
  async #note(contextId: ContextId, type: string, data: object | null): Promise<void> {
    await sql`
      insert into call_events (context_id, seq, at_ms, type, data)
      select context_id, greatest(${FIRST_LATE_SEQ}, (select max(seq) + 1 from call_events e where e.context_id = calls.context_id)),
             greatest(0, extract(epoch from now() - coalesce(claimed_at, created_at)) * 1000), ${type},
             ${data === null ? null : toStorableJson(data)}
      from calls where context_id = ${contextId}
      on conflict (context_id, seq) do nothing`
      .execute(this.#media)
      .catch(rethrow);
  }
}

export function toTransfer(row: Row): Transfer {
  return {
    transferId: row.transfer_id as TransferId,
    contextId: row.context_id as ContextId,
    conversationId: row.conversation_id as ConversationId,
    projectId: row.project_id as ProjectId,
    to: row.to_number,
    state: row.state,
    failure: row.failure,
    bookmark: row.bookmark as TransferBookmark | null,
    returnContextId: row.return_context_id as ContextId | null,
    askedAt: row.asked_at,
    diallingAt: row.dialling_at,
    overAt: row.over_at,
  };
}

function stateOf(failed: TransferFailure | null): 'connected' | 'failed' {
  return failed === null ? 'connected' : 'failed';
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}
