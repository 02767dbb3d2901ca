import type { Assistant, AssistantVersion } from '../assistant/assistant.ts';
import type { AssistantSettings } from '../assistant/assistant-settings.ts';
import type { AssistantId, ProjectId } from '../ids.ts';
import type { Project } from '../project/project.ts';

/** Projects, assistants and their immutable versions. */
export interface AssistantRepository {
  createProject(name: string): Promise<Project>;
  listProjects(): Promise<readonly Project[]>;
  /** Version 1, published. @throws AppError conflict when the id is taken. */
  create(assistant: {
    readonly id: AssistantId;
    readonly projectId: ProjectId;
    readonly name: string;
    readonly settings: AssistantSettings;
  }): Promise<AssistantVersion>;
  find(id: AssistantId): Promise<Assistant | null>;
  /** The published version, or the one asked for. */
  version(id: AssistantId, version?: number): Promise<AssistantVersion | null>;
  /** The next version; published at once unless told otherwise. */
  addVersion(
    id: AssistantId,
    settings: AssistantSettings,
    options?: { readonly isPublished?: boolean },
  ): Promise<AssistantVersion>;
  list(projectId: ProjectId): Promise<readonly Assistant[]>;
  /** Oldest first, without their settings; at most 1000. */
  listVersions(id: AssistantId): Promise<readonly Pick<AssistantVersion, 'version' | 'createdAt'>[]>;
  /** Makes a version the one that new calls get, an older one too. False when there is none of that number. */
  publish(id: AssistantId, version: number): Promise<boolean>;
  rename(id: AssistantId, name: string): Promise<void>;
  /** Null: no limit. */
  limitCalls(id: AssistantId, maxConcurrentCalls: number | null): Promise<void>;
  findProject(id: ProjectId): Promise<Project | null>;
}
