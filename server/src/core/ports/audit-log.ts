import type { AuditEntry, NewAuditEntry } from '../audit/audit-entry.ts';
import type { ProjectId } from '../ids.ts';

/** What was changed in a project; entries are only added. */
export interface AuditLog {
  append(entry: NewAuditEntry): Promise<void>;
  /** Newest first; `limit` 1 to 200. @throws AppError invalid_parameters for a cursor that is none of ours. */
  list(query: {
    readonly projectId: ProjectId;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly entries: readonly AuditEntry[]; readonly nextCursor: string | null }>;
}
