import type { Selectable } from 'kysely';
import type { ChannelName } from '../../core/call/call.ts';
import { comparableNumber, type Deployment } from '../../core/deployment/deployment.ts';
import { AppError } from '../../core/errors.ts';
import type { AssistantId, CredentialId, DeploymentId, ProjectId } from '../../core/ids.ts';
import type { DeploymentChange, DeploymentRepository, NewDeployment } from '../../core/ports/deployment-repository.ts';
import { FOREIGN_KEY_VIOLATION, sqlState, toDatabaseError, UNIQUE_VIOLATION } from './database-error.ts';
import type { Database, Databases } from './pools.ts';
import type { DeploymentRow } from './schema.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';

/** Deployments in PostgreSQL. Phase 1 of a call reads them, so reads go over `media`. */
export class PostgresDeploymentRepository implements DeploymentRepository {
  readonly #media: Database;
  readonly #api: Database;

  constructor({ media, api }: Databases) {
    this.#media = media;
    this.#api = api;
  }

  async create(deployment: NewDeployment): Promise<Deployment> {
    const { id, projectId, assistantId, channel } = deployment;
    const row = await this.#api
      .insertInto('deployments')
      .values({ id, project_id: projectId, assistant_id: assistantId, channel, ...changeColumns(deployment) })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returningAll()
      .executeTakeFirst()
      .catch(explain);
    const stored = row ? toDeployment(row) : await this.find(projectId, id);
    if (stored === null) throw new AppError('conflict', { detail: 'this id is taken' });
    return stored;
  }

  async list(projectId: ProjectId): Promise<readonly Deployment[]> {
    const rows = await this.#media
      .selectFrom('deployments')
      .selectAll()
      .where('project_id', '=', projectId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
      .catch(explain);
    return rows.map(toDeployment);
  }

  async enabledOn(channel: ChannelName): Promise<readonly Deployment[]> {
    const rows = await this.#media
      .selectFrom('deployments')
      .selectAll()
      .where('channel', '=', channel)
      .where('is_enabled', '=', true)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
      .catch(explain);
    return rows.map(toDeployment);
  }

  async find(projectId: ProjectId, id: DeploymentId): Promise<Deployment | null> {
    const row = await this.#media
      .selectFrom('deployments')
      .selectAll()
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .executeTakeFirst()
      .catch(explain);
    return row ? toDeployment(row) : null;
  }

  async update(projectId: ProjectId, id: DeploymentId, change: DeploymentChange): Promise<Deployment | null> {
    const row = await this.#api
      .updateTable('deployments')
      .set({ ...changeColumns(change), updated_at: new Date() })
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
      .catch(explain);
    return row ? toDeployment(row) : null;
  }

  async remove(projectId: ProjectId, id: DeploymentId): Promise<boolean> {
    const { numDeletedRows } = await this.#api
      .deleteFrom('deployments')
      .where('project_id', '=', projectId)
      .where('id', '=', id)
      .executeTakeFirst()
      .catch(explain);
    return numDeletedRows > 0n;
  }
}

function explain(error: unknown): never {
  const { constraint } = error as { constraint?: unknown };
  const state = sqlState(error);
  if (state === UNIQUE_VIOLATION) {
    throw new AppError('conflict', { detail: 'this number is deployed on this channel already', cause: error });
  }
  if (state === FOREIGN_KEY_VIOLATION) {
    const what = constraint === 'deployments_credential' ? 'credentialId' : 'assistantId';
    throw new AppError('invalid_parameters', { detail: `${what}: the project has none with this id`, cause: error });
  }
  throw toDatabaseError(error);
}

function changeColumns({ name, number, credentialId, settings, isEnabled }: DeploymentChange) {
  return {
    name: toStorableText(name),
    number: number === null ? null : toStorableText(number),
    comparable_number: number === null ? null : toStorableText(comparableNumber(number)),
    credential_id: credentialId,
    settings: toStorableJson(settings),
    is_enabled: isEnabled,
  };
}

function toDeployment(row: Selectable<DeploymentRow>): Deployment {
  return {
    id: row.id as DeploymentId,
    projectId: row.project_id as ProjectId,
    assistantId: row.assistant_id as AssistantId,
    channel: row.channel,
    name: row.name,
    number: row.number,
    credentialId: row.credential_id as CredentialId | null,
    settings: row.settings,
    isEnabled: row.is_enabled,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
