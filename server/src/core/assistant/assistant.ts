import type { AssistantId, ProjectId } from '../ids.ts';
import type { AssistantSettings } from './assistant-settings.ts';

export type Assistant = {
  readonly id: AssistantId;
  readonly projectId: ProjectId;
  readonly name: string;
  /** The version that new calls get. */
  readonly publishedVersion: number;
  /** Incoming calls open at once; null: as many as come. */
  readonly maxConcurrentCalls: number | null;
  readonly createdAt: Date;
};

/** One immutable version of an assistant: what a call is made from, whatever is edited meanwhile. */
export type AssistantVersion = {
  readonly assistantId: AssistantId;
  readonly projectId: ProjectId;
  readonly version: number;
  readonly settings: AssistantSettings;
  readonly createdAt: Date;
};
