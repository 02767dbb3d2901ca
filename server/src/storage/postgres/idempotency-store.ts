import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { BegunRequest, IdempotencyStore, IdempotentRequest } from '../../core/ports/idempotency-store.ts';
import { toDatabaseError } from './database-error.ts';
import type { Database, Databases } from './pools.ts';
import { readSharedSecret } from './shared-secrets.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';

const MOST_PURGED = 5_000;

type Row = { request_hash: Buffer; resource_id: string; status: number | null; response: BegunRequest['answer'] };

/** Idempotency keys in PostgreSQL. Of a request only a keyed hash is kept, as it may hold secrets. */
export class PostgresIdempotencyStore implements IdempotencyStore {
  readonly #api: Database;

  constructor({ api }: Pick<Databases, 'api'>) {
    this.#api = api;
  }

  async begin({ projectId, key, request }: IdempotentRequest, newId: string): Promise<BegunRequest> {
    const secret = await readSharedSecret(this.#api, 'idempotency');
    const hash = createHmac('sha256', secret).update(request).digest();
    // A key that is a day old is free again; the update makes a row that is there come back.
    const { rows } = await sql<Row>`
      insert into idempotency_keys as known (project_id, key, request_hash, resource_id)
      values (${projectId}, ${toStorableText(key)}, ${hash}, ${newId})
      on conflict (project_id, key) do update set
        request_hash = case when ${isOld} then excluded.request_hash else known.request_hash end,
        resource_id = case when ${isOld} then excluded.resource_id else known.resource_id end,
        status = case when ${isOld} then null else known.status end,
        response = case when ${isOld} then null else known.response end,
        created_at = case when ${isOld} then now() else known.created_at end
      returning request_hash, resource_id, status, response`
      .execute(this.#api)
      .catch(rethrow);
    const [row] = rows;
    if (!row) throw new AppError('internal', { detail: 'an insert returned no row' });
    if (!row.request_hash.equals(hash)) {
      throw new AppError('conflict', { detail: 'this Idempotency-Key was sent with another request' });
    }
    const { resource_id: resourceId, status, response } = row;
    const answer = status === null || response === null ? null : { status, body: response as never };
    return { resourceId, answer };
  }

  async purge(): Promise<number> {
    const { rows } = await sql`
      delete from idempotency_keys as known using (
        select project_id, key from idempotency_keys as known where ${isOld} limit ${MOST_PURGED} for update skip locked
      ) as old where known.project_id = old.project_id and known.key = old.key
      returning known.key`
      .execute(this.#api)
      .catch(rethrow);
    return rows.length;
  }

  async finish(
    { projectId, key }: Pick<IdempotentRequest, 'projectId' | 'key'>,
    status: number,
    body: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await sql`
      update idempotency_keys set status = ${status}, response = ${toStorableJson(body)}::jsonb
      where project_id = ${projectId} and key = ${toStorableText(key)} and status is null`
      .execute(this.#api)
      .catch(rethrow);
  }
}

const isOld = sql`known.created_at < now() - interval '1 day'`;

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}
