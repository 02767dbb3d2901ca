import { AppError } from '../core/errors.ts';
import type { ApiKeyId, ProjectId } from '../core/ids.ts';
import type { ApiKeyRepository } from '../core/ports/api-key-repository.ts';
import type { Random } from '../core/ports/random.ts';
import type { SecretBox } from '../core/ports/secret-box.ts';
import { API_KEY_SECRET_KIND, type ApiKey, type ApiKeyScope } from '../core/project/project.ts';
import { hashApiKey, isApiKey, newApiKey, shownPrefix } from './api-key.ts';

export type CreateApiKeyParts = {
  readonly apiKeys: Pick<ApiKeyRepository, 'create'>;
  readonly secretBox: Pick<SecretBox, 'seal'>;
  readonly random: Random;
};

export type ApiKeyWish = {
  /** Made anew when left out. */
  readonly id?: ApiKeyId;
  readonly projectId: ProjectId;
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  /** False: no encrypted copy, so SIP digest cannot use it. */
  readonly isSealed?: boolean;
  readonly expiresAt?: Date;
  /** A key made elsewhere, DEMO__API_KEY for one. */
  readonly givenKey?: string;
};

/** The key itself is in no other answer: it is shown this once. */
export type CreatedApiKey = { readonly key: string; readonly apiKey: ApiKey };

/**
 * Makes an API key, keeping its hash and, unless told otherwise, an encrypted copy.
 * @throws AppError invalid_parameters when a given key is none, conflict when it exists.
 */
export async function createApiKey(parts: CreateApiKeyParts, wish: ApiKeyWish): Promise<CreatedApiKey> {
  const key = wish.givenKey ?? newApiKey(parts.random);
  if (!isApiKey(key)) {
    throw new AppError('invalid_parameters', {
      detail: 'the given API key is none: rpd-, 30 letters or digits, and the 6 characters of their checksum',
    });
  }
  const id = wish.id ?? (parts.random.uuid() as ApiKeyId);
  const owner = { projectId: wish.projectId, recordId: id, kind: API_KEY_SECRET_KIND };
  const isSealed = wish.isSealed ?? true;
  const stored = await parts.apiKeys.create({
    id,
    projectId: wish.projectId,
    name: wish.name,
    prefix: shownPrefix(key),
    scopes: wish.scopes,
    isSealed,
    expiresAt: wish.expiresAt ?? null,
    hash: hashApiKey(key),
    sealed: isSealed ? await parts.secretBox.seal(Buffer.from(key), owner) : null,
  });
  const { hash: _hash, sealed: _sealed, ...apiKey } = stored;
  return { key, apiKey };
}
