import type { Assistant, AssistantVersion } from '../core/assistant/assistant.ts';
import type { AssistantSettings } from '../core/assistant/assistant-settings.ts';
import { AppError } from '../core/errors.ts';
import type { AssistantId } from '../core/ids.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import { type Actor, announceChange, type ChangeParts } from './change.ts';

export type AssistantParts = ChangeParts & {
  readonly assistants: AssistantRepository;
  /** @throws AppError invalid_parameters for settings that no call could be made from. */
  readonly checkSettings: (settings: AssistantSettings) => void;
};

export type AssistantWish = { readonly id: AssistantId; readonly name: string; readonly settings: AssistantSettings };

export async function listAssistants(parts: AssistantParts, { projectId }: Actor): Promise<readonly Assistant[]> {
  return parts.assistants.list(projectId);
}

/** @throws AppError assistant_not_found, for one of another project too. */
export async function findAssistant(parts: AssistantParts, actor: Actor, id: AssistantId): Promise<Assistant> {
  const assistant = await parts.assistants.find(id);
  if (assistant?.projectId === actor.projectId) return assistant;
  throw new AppError('assistant_not_found', { detail: `the project has no assistant with the id ${id}` });
}

/** Makes an assistant with version 1, published. A repeated id changes nothing. */
export async function createAssistant(
  parts: AssistantParts,
  actor: Actor,
  { id, name, settings }: AssistantWish,
): Promise<Assistant> {
  parts.checkSettings(settings);
  const { projectId } = actor;
  try {
    await parts.assistants.create({ id, projectId, name, settings });
  } catch (error) {
    const isRepeated = error instanceof AppError && error.code === 'conflict';
    const known = isRepeated ? await parts.assistants.find(id) : null;
    if (known?.projectId === projectId) return known;
    throw error;
  }
  await announce(parts, actor, 'assistant.created', { id, version: 1 });
  return findAssistant(parts, actor, id);
}

export type AssistantChange = { readonly name?: string; readonly maxConcurrentCalls?: number | null };

/** Changes what is mentioned; calls that are open stay. @throws AppError assistant_not_found. */
export async function changeAssistant(
  parts: AssistantParts,
  actor: Actor,
  id: AssistantId,
  { name, maxConcurrentCalls }: AssistantChange,
): Promise<Assistant> {
  await findAssistant(parts, actor, id);
  if (name !== undefined) {
    await parts.assistants.rename(id, name);
    await announce(parts, actor, 'assistant.renamed', { id, version: null });
  }
  if (maxConcurrentCalls !== undefined) {
    await parts.assistants.limitCalls(id, maxConcurrentCalls);
    await announce(parts, actor, 'assistant.limited', { id, version: null });
  }
  return findAssistant(parts, actor, id);
}

export async function listVersions(
  parts: AssistantParts,
  actor: Actor,
  id: AssistantId,
): Promise<readonly Pick<AssistantVersion, 'version' | 'createdAt'>[]> {
  await findAssistant(parts, actor, id);
  return parts.assistants.listVersions(id);
}

/** @throws AppError assistant_not_found, not_found. */
export async function findVersion(
  parts: AssistantParts,
  actor: Actor,
  id: AssistantId,
  version: number,
): Promise<AssistantVersion> {
  await findAssistant(parts, actor, id);
  const found = await parts.assistants.version(id, version);
  if (found === null) throw new AppError('not_found', { detail: `the assistant has no version ${version}` });
  return found;
}

/** Adds a version; none is ever changed. Calls get it once it is published. */
export async function addVersion(
  parts: AssistantParts,
  actor: Actor,
  id: AssistantId,
  wish: { readonly settings: AssistantSettings; readonly isPublished: boolean },
): Promise<AssistantVersion> {
  await findAssistant(parts, actor, id);
  parts.checkSettings(wish.settings);
  const added = await parts.assistants.addVersion(id, wish.settings, { isPublished: wish.isPublished });
  await announce(parts, actor, wish.isPublished ? 'assistant.published' : 'assistant.version_added', {
    id,
    version: added.version,
  });
  return added;
}

/** Gives new calls this version, an older one too; live calls keep theirs. @throws AppError assistant_not_found, not_found. */
export async function publishVersion(
  parts: AssistantParts,
  actor: Actor,
  id: AssistantId,
  version: number,
): Promise<Assistant> {
  await findVersion(parts, actor, id, version);
  await parts.assistants.publish(id, version);
  await announce(parts, actor, 'assistant.published', { id, version: version });
  return findAssistant(parts, actor, id);
}

function announce(
  parts: AssistantParts,
  actor: Actor,
  action: string,
  { id, version }: { readonly id: AssistantId; readonly version: number | null },
): Promise<void> {
  const change = { action, subject: id, detail: { version } };
  return announceChange(parts, actor, change, { type: 'assistant.changed', assistantId: id });
}
