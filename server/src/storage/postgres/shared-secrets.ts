import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { AppError } from '../../core/errors.ts';
import { toDatabaseError } from './database-error.ts';
import type { Database } from './pools.ts';

const SECRET_BYTES = 32;

/** 32 random bytes that all nodes share under a name, made by whoever asks first. @throws AppError database_unavailable. */
export async function readSharedSecret(db: Database, name: string): Promise<Uint8Array> {
  const { rows } = await sql<{ value: Buffer }>`
    insert into shared_secrets (name, value) values (${name}, ${randomBytes(SECRET_BYTES)})
    on conflict (name) do update set name = excluded.name
    returning value`
    .execute(db)
    .catch((error: unknown) => {
      throw toDatabaseError(error);
    });
  const [row] = rows;
  if (!row) throw new AppError('internal', { detail: 'an insert returned no row' });
  return row.value;
}
