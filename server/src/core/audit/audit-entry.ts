import type { ApiKeyId, ProjectId } from '../ids.ts';

/** Something that was changed, by whom, and when. Ids and names only, never a secret. */
export type AuditEntry = {
  readonly id: string;
  readonly projectId: ProjectId;
  /** null: the command line. */
  readonly apiKeyId: ApiKeyId | null;
  /** `credential.created`, `assistant.published` … */
  readonly action: string;
  /** The id of what was changed. */
  readonly subject: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
  readonly createdAt: Date;
};

export type NewAuditEntry = Omit<AuditEntry, 'id' | 'createdAt'>;
