import type { ApiKeyId, ProjectId } from '../ids.ts';

export type Project = { readonly id: ProjectId; readonly name: string; readonly createdAt: Date };

export const API_KEY_SCOPES = ['talk', 'calls', 'admin'] as const;
/** talk: open calls (webhooks, SIP digest). calls: read and end them. admin: everything of the project. */
export type ApiKeyScope = (typeof API_KEY_SCOPES)[number];

/** The kind under which the encrypted copy of an API key is sealed. */
export const API_KEY_SECRET_KIND = 'api_key';

/** What is kept of an API key; the key itself is shown once. */
export type ApiKey = {
  readonly id: ApiKeyId;
  readonly projectId: ProjectId;
  readonly name: string;
  /** `rpd-` and the first four characters, to recognise it by. */
  readonly prefix: string;
  readonly scopes: readonly ApiKeyScope[];
  /** False: no encrypted copy is kept, so SIP digest cannot use it. */
  readonly isSealed: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
};

/** Who is asking, after a key was checked. */
export type Principal = {
  readonly projectId: ProjectId;
  readonly apiKeyId: ApiKeyId;
  readonly scopes: readonly ApiKeyScope[];
};
