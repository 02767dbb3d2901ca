import { type Selectable, sql } from 'kysely';
import { credentialSecretKind, isCredentialSecretKind } from '../../core/credential/credential.ts';
import { AppError } from '../../core/errors.ts';
import type { CredentialId, ProjectId } from '../../core/ids.ts';
import type { CredentialRepository, NewCredential, StoredCredential } from '../../core/ports/credential-repository.ts';
import type { SealedSecretStore, StoredSecret } from '../../core/ports/sealed-secret-store.ts';
import type { SealedSecret } from '../../core/ports/secret-box.ts';
import { FOREIGN_KEY_VIOLATION, sqlState, toDatabaseError } from './database-error.ts';
import type { Database, Databases } from './pools.ts';
import type { CredentialRow } from './schema.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';

const SECRETS_PER_PAGE = 200;
const MOST_FOUND = 20;

type Row = Selectable<CredentialRow>;

/** Credentials in PostgreSQL. Phase 1 of a call reads them, so reads go over `media`. */
export class PostgresCredentialRepository implements CredentialRepository, SealedSecretStore {
  readonly #media: Database;
  readonly #api: Database;

  constructor({ media, api }: Databases) {
    this.#media = media;
    this.#api = api;
  }

  async create(credential: NewCredential): Promise<StoredCredential> {
    const { id, projectId, provider, name, shown, sealed } = credential;
    const row = await this.#api
      .insertInto('credentials')
      .values({
        id,
        project_id: projectId,
        provider,
        name: toStorableText(name),
        shown: toStorableJson(shown),
        ...sealColumns(sealed),
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returningAll()
      .executeTakeFirst()
      .catch((error: unknown) => {
        if (sqlState(error) !== FOREIGN_KEY_VIOLATION) throw toDatabaseError(error);
        throw new AppError('not_found', { detail: `there is no project ${projectId}`, cause: error });
      });
    const stored = row ? toCredential(row) : await this.find(projectId, id);
    if (stored === null) throw new AppError('conflict', { detail: 'this id is taken' });
    return stored;
  }

  async list(projectId: ProjectId): Promise<readonly StoredCredential[]> {
    const rows = await this.#media
      .selectFrom('credentials')
      .selectAll()
      .where('project_id', '=', projectId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
      .catch(rethrow);
    return rows.map(toCredential);
  }

  async find(projectId: ProjectId, id: CredentialId): Promise<StoredCredential | null> {
    const row = await this.#media
      .selectFrom('credentials')
      .selectAll()
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .executeTakeFirst()
      .catch(rethrow);
    return row ? toCredential(row) : null;
  }

  async findByShown(provider: string, key: string, value: string): Promise<readonly StoredCredential[]> {
    const { rows } = await sql<Row>`
      select * from credentials
      where provider = ${provider} and shown ->> ${toStorableText(key)} = ${toStorableText(value)}
      order by created_at limit ${MOST_FOUND}`
      .execute(this.#media)
      .catch(rethrow);
    return rows.map(toCredential);
  }

  async ofProvider(provider: string): Promise<readonly StoredCredential[]> {
    const rows = await this.#media
      .selectFrom('credentials')
      .selectAll()
      .where('provider', '=', provider)
      .execute()
      .catch(rethrow);
    return rows.map(toCredential);
  }

  async update(
    projectId: ProjectId,
    id: CredentialId,
    change: Parameters<CredentialRepository['update']>[2],
  ): Promise<StoredCredential | null> {
    const row = await this.#api
      .updateTable('credentials')
      .set({
        name: toStorableText(change.name),
        shown: toStorableJson(change.shown),
        ...sealColumns(change.sealed),
        updated_at: new Date(),
      })
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
      .catch(rethrow);
    return row ? toCredential(row) : null;
  }

  async remove(projectId: ProjectId, id: CredentialId): Promise<boolean> {
    const { numDeletedRows } = await this.#api
      .deleteFrom('credentials')
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .executeTakeFirst()
      .catch((error: unknown) => {
        if (sqlState(error) !== FOREIGN_KEY_VIOLATION) throw toDatabaseError(error);
        throw new AppError('conflict', { detail: 'a deployment uses this credential', cause: error });
      });
    return numDeletedRows > 0n;
  }

  async usedKeyIds(): Promise<readonly string[]> {
    const rows = await this.#api.selectFrom('credentials').select('seal_key_id').distinct().execute().catch(rethrow);
    return rows.map(({ seal_key_id }) => seal_key_id);
  }

  async listWrappedByOthers(keyId: string): Promise<readonly StoredSecret[]> {
    const rows = await this.#api
      .selectFrom('credentials')
      .selectAll()
      .where('seal_key_id', '!=', keyId)
      .orderBy('id')
      .limit(SECRETS_PER_PAGE)
      .execute()
      .catch(rethrow);
    return rows.map(toCredential).map(({ id, projectId, provider, sealed }) => ({
      owner: { projectId, recordId: id, kind: credentialSecretKind(provider) },
      sealed,
    }));
  }

  /** False also for secrets that are no credential's. */
  async replace(read: StoredSecret, rewrapped: SealedSecret): Promise<boolean> {
    if (!isCredentialSecretKind(read.owner.kind)) return false;
    const { numUpdatedRows } = await this.#api
      .updateTable('credentials')
      .set(sealColumns(rewrapped))
      .where('id', '=', read.owner.recordId)
      .where('seal_wrapped_key', '=', Buffer.from(read.sealed.wrappedKey))
      .executeTakeFirst()
      .catch(rethrow);
    return numUpdatedRows > 0n;
  }
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}

function sealColumns(sealed: SealedSecret) {
  return {
    seal_algorithm: sealed.algorithm,
    seal_key_id: sealed.keyId,
    seal_wrapped_key: Buffer.from(sealed.wrappedKey),
    sealed: Buffer.from(sealed.sealed),
  };
}

function toCredential(row: Row): StoredCredential {
  return {
    id: row.id as CredentialId,
    projectId: row.project_id as ProjectId,
    provider: row.provider,
    name: row.name,
    shown: row.shown,
    sealed: {
      algorithm: row.seal_algorithm,
      keyId: row.seal_key_id,
      wrappedKey: row.seal_wrapped_key,
      sealed: row.sealed,
    },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
