import type { AssistantSettings } from '../core/assistant/assistant-settings.ts';
import type { AssistantId, ProjectId } from '../core/ids.ts';
import { newAssistantId } from '../core/ids.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { Random } from '../core/ports/random.ts';

export type DemoParts = {
  readonly assistants: AssistantRepository;
  /** Makes the project's first key, or takes the one given; returns it in clear, this once. */
  readonly createApiKey: (projectId: ProjectId, givenKey: string | null) => Promise<string>;
  readonly random: Random;
};

export type DemoWish = {
  readonly assistantId: AssistantId | null;
  readonly apiKey: string | null;
  readonly settings: AssistantSettings;
};

/** What the start-up text tells about the demo: the key only at the start that made it. */
export type Demo = {
  readonly assistantId: AssistantId;
  readonly projectId: ProjectId;
  readonly newApiKey: string | null;
};

const DEMO_PROJECT = 'demo';
const DEMO_ASSISTANT = 'Demo assistant';

/** Makes a project, an assistant and a key on the first start; later starts find them. */
export async function createDemo(parts: DemoParts, wish: DemoWish): Promise<Demo | null> {
  const projects = await parts.assistants.listProjects();
  const existing = projects.find((project) => project.name === DEMO_PROJECT);
  if (existing) {
    const [assistant] = await parts.assistants.list(existing.id);
    return assistant ? { assistantId: assistant.id, projectId: existing.id, newApiKey: null } : null;
  }
  if (projects.length > 0) return null;
  const project = await parts.assistants.createProject(DEMO_PROJECT);
  const { assistantId } = await parts.assistants.create({
    id: wish.assistantId ?? newAssistantId(parts.random),
    projectId: project.id,
    name: DEMO_ASSISTANT,
    settings: wish.settings,
  });
  const newApiKey = await parts.createApiKey(project.id, wish.apiKey);
  return { assistantId, projectId: project.id, newApiKey };
}
