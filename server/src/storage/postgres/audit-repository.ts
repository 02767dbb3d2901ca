import type { AuditEntry, NewAuditEntry } from '../../core/audit/audit-entry.ts';
import { AppError } from '../../core/errors.ts';
import type { ApiKeyId, ProjectId } from '../../core/ids.ts';
import type { AuditLog } from '../../core/ports/audit-log.ts';
import { toDatabaseError } from './database-error.ts';
import type { Database, Databases } from './pools.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';

const MAX_PAGE = 200;

/** The audit log in PostgreSQL. */
export class PostgresAuditLog implements AuditLog {
  readonly #api: Database;

  constructor({ api }: Pick<Databases, 'api'>) {
    this.#api = api;
  }

  async append({ projectId, apiKeyId, action, subject, detail }: NewAuditEntry): Promise<void> {
    await this.#api
      .insertInto('audit_entries')
      .values({
        project_id: projectId,
        api_key_id: apiKeyId,
        action,
        subject: toStorableText(subject),
        detail: toStorableJson(detail),
      })
      .execute()
      .catch(rethrow);
  }

  async list(query: Parameters<AuditLog['list']>[0]): ReturnType<AuditLog['list']> {
    const limit = Math.min(Math.max(1, Math.trunc(query.limit)), MAX_PAGE);
    let select = this.#api.selectFrom('audit_entries').selectAll().where('project_id', '=', query.projectId);
    if (query.cursor !== undefined) select = select.where('id', '<', readCursor(query.cursor));
    const rows = await select
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute()
      .catch(rethrow);
    const entries = rows.slice(0, limit).map(
      (row): AuditEntry => ({
        id: row.id,
        projectId: row.project_id as ProjectId,
        apiKeyId: row.api_key_id as ApiKeyId | null,
        action: row.action,
        subject: row.subject,
        detail: row.detail,
        createdAt: row.created_at,
      }),
    );
    return { entries, nextCursor: rows.length > limit ? (entries.at(-1)?.id ?? null) : null };
  }
}

function readCursor(cursor: string): string {
  if (/^\d{1,18}$/.test(cursor)) return cursor;
  throw new AppError('invalid_parameters', { detail: 'cursor: take nextCursor of the page before, unchanged' });
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}
