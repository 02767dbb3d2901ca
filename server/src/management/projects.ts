import { AppError } from '../core/errors.ts';
import type { ApiKeyId } from '../core/ids.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { ApiKey, Project } from '../core/project/project.ts';
import { API_KEY_SCOPES } from '../core/project/project.ts';
import type { ApiKeyParts } from './api-keys.ts';
import { type Actor, announceChange } from './change.ts';

export type ProjectParts = ApiKeyParts & {
  readonly assistants: Pick<AssistantRepository, 'createProject' | 'findProject'>;
};

/** The project of the key that asks: no other can be seen. */
export async function findOwnProject({ assistants }: ProjectParts, { projectId }: Actor): Promise<Project> {
  const project = await assistants.findProject(projectId);
  if (project === null) throw new AppError('not_found', { detail: 'the project is gone' });
  return project;
}

/** Makes a project that shares nothing with the others, and its first key, shown once. */
export async function createProject(
  parts: ProjectParts,
  actor: Actor,
  { name, keyId }: { readonly name: string; readonly keyId: ApiKeyId },
): Promise<{ readonly project: Project; readonly key: string; readonly apiKey: ApiKey }> {
  const project = await parts.assistants.createProject(name);
  const wish = { id: keyId, projectId: project.id, name: 'first', scopes: API_KEY_SCOPES, isSealed: true };
  const { key, apiKey } = await parts.createApiKey(wish);
  await announceChange(parts, actor, { action: 'project.created', subject: project.id, detail: { name } }, null);
  return { project, key, apiKey };
}
