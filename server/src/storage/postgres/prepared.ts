import { CompiledQuery, type Kysely } from 'kysely';
import type pg from 'pg';
import type { DatabaseSchema } from './schema.ts';

/** A statement that every call runs, its parameters $1, $2 …: PostgreSQL parses and plans it once for each connection, by its name. */
export type Prepared = { readonly name: string; readonly text: string };

/** Rows of a prepared statement. @throws what pg throws. */
export type RunPrepared = <Row>(statement: Prepared, values: readonly unknown[]) => Promise<readonly Row[]>;

/** Past the query builder, which took as long as the rest of a statement on our side. */
export function runOn(pool: pg.Pool): RunPrepared {
  return async <Row>({ name, text }: Prepared, values: readonly unknown[]) => {
    const client = await pool.connect();
    try {
      const { rows } = await client.query({ name, text, values: values as unknown[] });
      return rows as Row[];
    } finally {
      client.release();
    }
  };
}

/** The same statements in a transaction, prepared anew each time. */
export function runWithin(transaction: Kysely<DatabaseSchema>): RunPrepared {
  return async <Row>({ text }: Prepared, values: readonly unknown[]) =>
    (await transaction.executeQuery<Row>(CompiledQuery.raw(text, [...values]))).rows;
}
