import { randomInt, randomUUID } from 'node:crypto';
import type { AssistantSettings } from '../../src/core/assistant/assistant-settings.ts';
import { DEFAULT_ERROR_SENTENCE, DEFAULT_TURN_SETTINGS } from '../../src/core/assistant/assistant-settings.ts';
import type { CallTurn } from '../../src/core/call/call-record.ts';
import type { AssistantId, ContextId, ConversationId, ProjectId } from '../../src/core/ids.ts';
import type { AssistantRepository } from '../../src/core/ports/assistant-repository.ts';
import type { NewContext } from '../../src/core/ports/call-repository.ts';

export const SAMPLE_SETTINGS: AssistantSettings = {
  language: 'en-US',
  brain: { type: 'scripted', flow: { start: 'greet' } },
  speechToText: { provider: 'auto' },
  textToSpeech: { provider: 'auto', voice: 'slt' },
  turn: DEFAULT_TURN_SETTINGS,
  errorSentence: DEFAULT_ERROR_SENTENCE,
};

export type SampleAssistant = { readonly projectId: ProjectId; readonly assistantId: AssistantId };

let lastAssistant = randomInt(100_000_000, 900_000_000);

/** A project with one assistant, published at version 1. */
export async function sampleAssistant(assistants: AssistantRepository): Promise<SampleAssistant> {
  const project = await assistants.createProject('sample');
  const id = String(++lastAssistant) as AssistantId;
  await assistants.create({ id, projectId: project.id, name: 'Front desk', settings: SAMPLE_SETTINGS });
  return { projectId: project.id, assistantId: id };
}

/** A call to come in over Twilio; each has ids of its own unless told otherwise. */
export function sampleContext(assistant: SampleAssistant, changes: Partial<NewContext> = {}): NewContext {
  return {
    contextId: randomUUID() as ContextId,
    conversationId: '1234567890123456' as ConversationId,
    projectId: assistant.projectId,
    assistantId: assistant.assistantId,
    assistantVersion: 1,
    deploymentId: null,
    credentialId: null,
    channel: 'twilio',
    direction: 'inbound',
    from: '+15551230001',
    to: '+15551230002',
    providerCallId: `CA${randomUUID()}`,
    isUnverified: false,
    args: {},
    metadata: {},
    ttlMs: 120_000,
    ...changes,
  };
}

export function sampleTurn(index: number, changes: Partial<CallTurn> = {}): CallTurn {
  return {
    index,
    role: index % 2 === 0 ? 'assistant' : 'caller',
    startedAtMs: index * 1_000.5,
    endedAtMs: index * 1_000.5 + 900,
    text: `turn ${index}`,
    heardText: `turn ${index}`,
    wasInterrupted: false,
    source: 'speech',
    waterfall: null,
    ...changes,
  };
}
