import { type Selectable, sql } from 'kysely';
import type { Assistant, AssistantVersion } from '../../core/assistant/assistant.ts';
import type { AssistantSettings } from '../../core/assistant/assistant-settings.ts';
import { AppError } from '../../core/errors.ts';
import type { AssistantId, ProjectId } from '../../core/ids.ts';
import type { AssistantRepository } from '../../core/ports/assistant-repository.ts';
import type { Project } from '../../core/project/project.ts';
import { FOREIGN_KEY_VIOLATION, sqlState, toDatabaseError, UNIQUE_VIOLATION } from './database-error.ts';
import type { Database, Databases } from './pools.ts';
import type { RunPrepared } from './prepared.ts';
import type { AssistantRow, AssistantVersionRow, ProjectRow } from './schema.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';

const MOST_VERSIONS = 1_000;
const LARGEST_VERSION = 2 ** 31 - 1;

const FOUND_FIELDS = ['id', 'project_id', 'name', 'published_version', 'max_concurrent_calls', 'created_at'] as const;
const FIND = { name: 'find-assistant', text: `select ${FOUND_FIELDS.join(', ')} from assistants where id = $1` };

type VersionRow = Selectable<AssistantVersionRow> & { readonly project_id: string };
type FoundRow = Pick<Selectable<AssistantRow>, (typeof FOUND_FIELDS)[number]>;
type NewAssistant = Parameters<AssistantRepository['create']>[0];

/** Projects, assistants and versions in PostgreSQL. Phase 1 of a call reads them, so reads go over `media`. */
export class PostgresAssistantRepository implements AssistantRepository {
  readonly #media: Database;
  readonly #api: Database;
  readonly #prepared: RunPrepared;

  constructor({ media, api, prepared }: Databases) {
    this.#media = media;
    this.#api = api;
    this.#prepared = prepared;
  }

  async createProject(name: string): Promise<Project> {
    const row = await this.#api
      .insertInto('projects')
      .values({ name: toStorableText(name) })
      .returningAll()
      .executeTakeFirstOrThrow()
      .catch(rethrow);
    return toProject(row);
  }

  async listProjects(): Promise<readonly Project[]> {
    const rows = await this.#api.selectFrom('projects').selectAll().orderBy('id').execute().catch(rethrow);
    return rows.map(toProject);
  }

  async create(assistant: NewAssistant): Promise<AssistantVersion> {
    const { rows } = await sql<VersionRow>`
      with made as (
        insert into assistants (id, project_id, name, published_version, latest_version)
        values (${assistant.id}, ${assistant.projectId}, ${toStorableText(assistant.name)}, 1, 1)
        returning id, project_id
      ), first as (
        insert into assistant_versions (assistant_id, version, settings)
        select id, 1, ${toStorableJson(assistant.settings)}::jsonb from made
        returning *
      )
      select first.*, made.project_id from first join made on made.id = first.assistant_id`
      .execute(this.#api)
      .catch((error: unknown) => {
        throw explainCreate(error, assistant);
      });
    return toVersion(theOne(rows));
  }

  async find(id: AssistantId): Promise<Assistant | null> {
    const [row] = await this.#prepared<FoundRow>(FIND, [id]).catch(rethrow);
    return row ? toAssistant(row) : null;
  }

  async version(id: AssistantId, version?: number): Promise<AssistantVersion | null> {
    if (version !== undefined && !(Number.isInteger(version) && version > 0 && version <= LARGEST_VERSION)) return null;
    const { rows } = await sql<VersionRow>`
      select v.*, a.project_id from assistants a join assistant_versions v on v.assistant_id = a.id
      where a.id = ${id} and v.version = coalesce(${version ?? null}::int, a.published_version)`
      .execute(this.#media)
      .catch(rethrow);
    return rows[0] ? toVersion(rows[0]) : null;
  }

  async addVersion(
    id: AssistantId,
    settings: AssistantSettings,
    options: { readonly isPublished?: boolean } = {},
  ): Promise<AssistantVersion> {
    const isPublished = options.isPublished ?? true;
    const { rows } = await sql<VersionRow>`
      with counted as (
        update assistants
        set latest_version = latest_version + 1,
            published_version = case when ${isPublished} then latest_version + 1 else published_version end
        where id = ${id}
        returning id, project_id, latest_version
      ), added as (
        insert into assistant_versions (assistant_id, version, settings)
        select id, latest_version, ${toStorableJson(settings)}::jsonb from counted
        returning *
      )
      select added.*, counted.project_id from added join counted on counted.id = added.assistant_id`
      .execute(this.#api)
      .catch(rethrow);
    if (rows.length === 0) throw new AppError('assistant_not_found', { detail: `no assistant has the id ${id}` });
    return toVersion(theOne(rows));
  }

  async listVersions(id: AssistantId): Promise<readonly Pick<AssistantVersion, 'version' | 'createdAt'>[]> {
    const rows = await this.#api
      .selectFrom('assistant_versions')
      .select(['version', 'created_at'])
      .where('assistant_id', '=', id)
      .orderBy('version')
      .limit(MOST_VERSIONS)
      .execute()
      .catch(rethrow);
    return rows.map((row) => ({ version: row.version, createdAt: row.created_at }));
  }

  async publish(id: AssistantId, version: number): Promise<boolean> {
    const { rows } = await sql`
      update assistants set published_version = ${version}
      where id = ${id} and exists (select from assistant_versions where assistant_id = ${id} and version = ${version})
      returning id`
      .execute(this.#api)
      .catch(rethrow);
    return rows.length > 0;
  }

  async rename(id: AssistantId, name: string): Promise<void> {
    await this.#api
      .updateTable('assistants')
      .set({ name: toStorableText(name) })
      .where('id', '=', id)
      .execute()
      .catch(rethrow);
  }

  async limitCalls(id: AssistantId, maxConcurrentCalls: number | null): Promise<void> {
    await this.#api
      .updateTable('assistants')
      .set({ max_concurrent_calls: maxConcurrentCalls })
      .where('id', '=', id)
      .execute()
      .catch(rethrow);
  }

  async findProject(id: ProjectId): Promise<Project | null> {
    const row = await this.#api
      .selectFrom('projects')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
      .catch(rethrow);
    return row ? toProject(row) : null;
  }

  async list(projectId: ProjectId): Promise<readonly Assistant[]> {
    const rows = await this.#api
      .selectFrom('assistants')
      .selectAll()
      .where('project_id', '=', projectId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
      .catch(rethrow);
    return rows.map(toAssistant);
  }
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error);
}

function explainCreate(error: unknown, { id, projectId }: NewAssistant): AppError {
  const state = sqlState(error);
  if (state === UNIQUE_VIOLATION)
    return new AppError('conflict', { detail: `the assistant id ${id} is taken`, cause: error });
  if (state === FOREIGN_KEY_VIOLATION)
    return new AppError('not_found', { detail: `there is no project ${projectId}`, cause: error });
  return toDatabaseError(error);
}

function theOne<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new AppError('internal', { detail: 'a write returned no row' });
  return row;
}

function toProject(row: Selectable<ProjectRow>): Project {
  return { id: row.id as ProjectId, name: row.name, createdAt: row.created_at };
}

function toAssistant(row: FoundRow): Assistant {
  return {
    id: row.id as AssistantId,
    projectId: row.project_id as ProjectId,
    name: row.name,
    publishedVersion: row.published_version,
    maxConcurrentCalls: row.max_concurrent_calls,
    createdAt: row.created_at,
  };
}

function toVersion(row: VersionRow): AssistantVersion {
  return {
    assistantId: row.assistant_id as AssistantId,
    projectId: row.project_id as ProjectId,
    version: row.version,
    settings: row.settings,
    createdAt: row.created_at,
  };
}
