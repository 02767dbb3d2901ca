import { AppError } from '../core/errors.ts';
import type { ApiKeyId, ProjectId } from '../core/ids.ts';
import type { ApiKeyRepository, StoredApiKey } from '../core/ports/api-key-repository.ts';
import type { ApiKey, ApiKeyScope } from '../core/project/project.ts';
import { type Actor, announceChange, type ChangeParts } from './change.ts';

export type ApiKeyWish = {
  readonly id: ApiKeyId;
  readonly projectId: ProjectId;
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  readonly isSealed: boolean;
  readonly expiresAt?: Date;
};

export type ApiKeyParts = ChangeParts & {
  readonly apiKeys: Pick<ApiKeyRepository, 'list' | 'revoke'>;
  /** The key itself is in no later answer. */
  readonly createApiKey: (wish: ApiKeyWish) => Promise<{ readonly key: string; readonly apiKey: ApiKey }>;
};

export async function listApiKeys(parts: ApiKeyParts, { projectId }: Actor): Promise<readonly ApiKey[]> {
  return (await parts.apiKeys.list(projectId)).map(withoutSecrets);
}

/** @throws AppError invalid_parameters for a time that is over. */
export async function createApiKeyFor(
  parts: ApiKeyParts,
  actor: Actor,
  wish: Omit<ApiKeyWish, 'projectId'>,
): Promise<{ readonly key: string; readonly apiKey: ApiKey }> {
  const created = await parts.createApiKey({ ...wish, projectId: actor.projectId });
  await announceChange(
    parts,
    actor,
    { action: 'api-key.created', subject: wish.id, detail: { name: wish.name, scopes: wish.scopes.join(' ') } },
    { type: 'api-key.changed', apiKeyId: wish.id },
  );
  return created;
}

/** Revokes for good; again is fine. All nodes know it when this resolves, or within a second. @throws AppError not_found, database_unavailable. */
export async function revokeApiKey(parts: ApiKeyParts, actor: Actor, id: ApiKeyId): Promise<void> {
  const known = (await parts.apiKeys.list(actor.projectId)).find((each) => each.id === id);
  if (!known) throw new AppError('not_found', { detail: 'the project has no API key with this id' });
  const isNew = await parts.apiKeys.revoke(actor.projectId, id);
  // Not left to announceChange: a node that is not told would take the key for a minute, so the caller has to know and ask again.
  await parts.bus.publish({ type: 'api-key.changed', apiKeyId: id });
  if (isNew) await announceChange(parts, actor, { action: 'api-key.revoked', subject: id }, null);
}

function withoutSecrets({ hash: _hash, sealed: _sealed, ...apiKey }: StoredApiKey): ApiKey {
  return apiKey;
}
