import type { Insertable, Selectable } from 'kysely';
import { AppError } from '../../core/errors.ts';
import type { ApiKeyId, ProjectId } from '../../core/ids.ts';
import type { ApiKeyRepository, StoredApiKey } from '../../core/ports/api-key-repository.ts';
import type { SealedSecretStore, StoredSecret } from '../../core/ports/sealed-secret-store.ts';
import type { SealedSecret } from '../../core/ports/secret-box.ts';
import { API_KEY_SECRET_KIND } from '../../core/project/project.ts';
import { FOREIGN_KEY_VIOLATION, sqlState, toDatabaseError, UNIQUE_VIOLATION } from './database-error.ts';
import type { Database, Databases } from './pools.ts';
import type { ApiKeyRow } from './schema.ts';
import { toStorableText } from './storable-json.ts';

const SECRETS_PER_PAGE = 200;

/** API keys in PostgreSQL, found by hash over the `media` pool. */
export class PostgresApiKeyRepository implements ApiKeyRepository, SealedSecretStore {
  readonly #media: Database;
  readonly #api: Database;

  constructor({ media, api }: Databases) {
    this.#media = media;
    this.#api = api;
  }

  /** @throws AppError conflict when the key is already there, not_found when the project is not. */
  async create(key: Omit<StoredApiKey, 'createdAt' | 'revokedAt'>): Promise<StoredApiKey> {
    const row = await this.#api
      .insertInto('api_keys')
      .values(toRow(key))
      .returningAll()
      .executeTakeFirstOrThrow()
      .catch((error: unknown) => {
        throw explainCreate(error, key.projectId);
      });
    return toApiKey(row);
  }

  async findByHash(hash: Uint8Array): Promise<StoredApiKey | null> {
    const row = await this.#media
      .selectFrom('api_keys')
      .selectAll()
      .where('hash', '=', Buffer.from(hash))
      .executeTakeFirst()
      .catch(rethrow);
    return row ? toApiKey(row) : null;
  }

  async list(projectId: ProjectId): Promise<readonly StoredApiKey[]> {
    const rows = await this.#api
      .selectFrom('api_keys')
      .selectAll()
      .where('project_id', '=', projectId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
      .catch(rethrow);
    return rows.map(toApiKey);
  }

  async revoke(projectId: ProjectId, id: ApiKeyId): Promise<boolean> {
    const { numUpdatedRows } = await this.#api
      .updateTable('api_keys')
      .set({ revoked_at: new Date() })
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
      .catch(rethrow);
    return numUpdatedRows > 0n;
  }

  async listWrappedByOthers(keyId: string): Promise<readonly StoredSecret[]> {
    const rows = await this.#api
      .selectFrom('api_keys')
      .selectAll()
      .where('sealed', 'is not', null)
      .where('seal_key_id', '!=', keyId)
      .orderBy('id')
      .limit(SECRETS_PER_PAGE)
      .execute()
      .catch(rethrow);
    return rows.flatMap((row) => {
      const { id, projectId, sealed } = toApiKey(row);
      return sealed ? [{ owner: { projectId, recordId: id, kind: API_KEY_SECRET_KIND }, sealed }] : [];
    });
  }

  /** False also for secrets that are no API key's. */
  async replace(read: StoredSecret, rewrapped: SealedSecret): Promise<boolean> {
    if (read.owner.kind !== API_KEY_SECRET_KIND) return false;
    const { numUpdatedRows } = await this.#api
      .updateTable('api_keys')
      .set(toSealColumns(rewrapped))
      .where('id', '=', read.owner.recordId)
      .where('seal_wrapped_key', '=', Buffer.from(read.sealed.wrappedKey))
      .executeTakeFirst()
      .catch(rethrow);
    return numUpdatedRows > 0n;
  }

  async usedKeyIds(): Promise<readonly string[]> {
    const rows = await this.#api
      .selectFrom('api_keys')
      .select('seal_key_id')
      .distinct()
      .where('seal_key_id', 'is not', null)
      .execute()
      .catch(rethrow);
    return rows.flatMap(({ seal_key_id }) => (seal_key_id === null ? [] : [seal_key_id]));
  }
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}

function explainCreate(error: unknown, projectId: ProjectId): AppError {
  const state = sqlState(error);
  if (state === UNIQUE_VIOLATION) return new AppError('conflict', { detail: 'this API key exists', cause: error });
  if (state === FOREIGN_KEY_VIOLATION)
    return new AppError('not_found', { detail: `there is no project ${projectId}`, cause: error });
  return toDatabaseError(error);
}

function toRow(key: Omit<StoredApiKey, 'createdAt' | 'revokedAt'>): Insertable<ApiKeyRow> {
  return {
    id: key.id,
    project_id: key.projectId,
    name: toStorableText(key.name),
    prefix: key.prefix,
    scopes: [...key.scopes],
    hash: Buffer.from(key.hash),
    ...toSealColumns(key.sealed),
    expires_at: key.expiresAt,
  };
}

function toSealColumns(sealed: SealedSecret | null) {
  return {
    seal_algorithm: sealed?.algorithm ?? null,
    seal_key_id: sealed?.keyId ?? null,
    seal_wrapped_key: sealed ? Buffer.from(sealed.wrappedKey) : null,
    sealed: sealed ? Buffer.from(sealed.sealed) : null,
  };
}

function toApiKey(row: Selectable<ApiKeyRow>): StoredApiKey {
  const sealed =
    row.seal_algorithm && row.seal_key_id && row.seal_wrapped_key && row.sealed
      ? { algorithm: row.seal_algorithm, keyId: row.seal_key_id, wrappedKey: row.seal_wrapped_key, sealed: row.sealed }
      : null;
  return {
    id: row.id as ApiKeyId,
    projectId: row.project_id as ProjectId,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    isSealed: sealed !== null,
    hash: row.hash,
    sealed,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}
