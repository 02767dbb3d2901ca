import type { Selectable } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { NumberListEntryId, ProjectId } from '../../core/ids.ts';
import type { NumberListEntry, NumberListName } from '../../core/number-list/number-list.ts';
import type { NumberListRepository } from '../../core/ports/number-list-repository.ts';
import { FOREIGN_KEY_VIOLATION, sqlState, toDatabaseError } from './database-error.ts';
import type { Database, Databases } from './pools.ts';
import type { NumberListRow } from './schema.ts';
import { toStorableText } from './storable-json.ts';

const MAX_PAGE = 200;
const MOST_NUMBERS = 10_000;

/** Number lists in PostgreSQL. Phase 1 of a call reads them, so those reads go over `media`. */
export class PostgresNumberListRepository implements NumberListRepository {
  readonly #media: Database;
  readonly #api: Database;

  constructor({ media, api }: Databases) {
    this.#media = media;
    this.#api = api;
  }

  async add(entry: Omit<NumberListEntry, 'createdAt'>): Promise<NumberListEntry> {
    const row = await this.#api
      .insertInto('number_lists')
      .values({
        id: entry.id,
        project_id: entry.projectId,
        list: entry.list,
        number: toStorableText(entry.number),
        note: toStorableText(entry.note),
      })
      // Changes nothing: it makes the row that is there come back.
      .onConflict((conflict) => conflict.columns(['project_id', 'list', 'number']).doUpdateSet({ list: entry.list }))
      .returningAll()
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => {
        if (sqlState(error) !== FOREIGN_KEY_VIOLATION) throw toDatabaseError(error);
        throw new AppError('not_found', { detail: `there is no project ${entry.projectId}`, cause: error });
      });
    return toEntry(row);
  }

  async list(query: Parameters<NumberListRepository['list']>[0]): ReturnType<NumberListRepository['list']> {
    const limit = Math.min(Math.max(1, Math.trunc(query.limit)), MAX_PAGE);
    let select = this.#api
      .selectFrom('number_lists')
      .selectAll()
      .where('project_id', '=', query.projectId)
      .where('list', '=', query.list);
    if (query.cursor !== undefined) select = select.where('position', '<', readCursor(query.cursor));
    const rows = await select
      .orderBy('position', 'desc')
      .limit(limit + 1)
      .execute()
      .catch(rethrow);
    const page = rows.slice(0, limit);
    return { entries: page.map(toEntry), nextCursor: rows.length > limit ? (page.at(-1)?.position ?? null) : null };
  }

  async remove(projectId: ProjectId, list: NumberListName, id: NumberListEntryId): Promise<boolean> {
    const { numDeletedRows } = await this.#api
      .deleteFrom('number_lists')
      .where('project_id', '=', projectId)
      .where('list', '=', list)
      .where('id', '=', id)
      .executeTakeFirst()
      .catch(rethrow);
    return numDeletedRows > 0n;
  }

  async has(projectId: ProjectId, list: NumberListName, number: string): Promise<boolean> {
    const row = await this.#media
      .selectFrom('number_lists')
      .select('id')
      .where('project_id', '=', projectId)
      .where('list', '=', list)
      .where('number', '=', toStorableText(number))
      .executeTakeFirst()
      .catch(rethrow);
    return row !== undefined;
  }

  async numbers(projectId: ProjectId, list: NumberListName): Promise<readonly string[]> {
    const rows = await this.#media
      .selectFrom('number_lists')
      .select('number')
      .where('project_id', '=', projectId)
      .where('list', '=', list)
      .orderBy('position', 'desc')
      .limit(MOST_NUMBERS)
      .execute()
      .catch(rethrow);
    return rows.map(({ number }) => number);
  }
}

function toEntry(row: Selectable<NumberListRow>): NumberListEntry {
  return {
    id: row.id as NumberListEntryId,
    projectId: row.project_id as ProjectId,
    list: row.list,
    number: row.number,
    note: row.note,
    createdAt: row.created_at,
  };
}

function readCursor(cursor: string): string {
  if (/^\d{1,18}$/.test(cursor)) return cursor;
  throw new AppError('invalid_parameters', { detail: 'cursor: take nextCursor of the page before, unchanged' });
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}
