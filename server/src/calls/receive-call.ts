import type { Assistant } from '../core/assistant/assistant.ts';
import type { ChannelName } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { INBOUND_CONTEXT_TTL_MS } from '../core/call/call-context.ts';
import { maskNumber } from '../core/call/caller-number.ts';
import { AppError } from '../core/errors.ts';
import type { AssistantId } from '../core/ids.ts';
import { newContextId, newConversationId, parseAssistantId } from '../core/ids.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { CallWebhook, WebhookAnswer, WebhookRequest } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { Random } from '../core/ports/random.ts';
import type { Principal } from '../core/project/project.ts';
import { readApiKey } from './read-api-key.ts';

export type ReceiveCallParts = {
  readonly assistants: Pick<AssistantRepository, 'find'>;
  readonly calls: Pick<CallRepository, 'open'>;
  readonly verifyApiKey: (key: string) => Promise<Principal | null>;
  /** @throws AppError draining or over_capacity. */
  readonly admit: () => void;
  /** Called with each new context: the moment to warm what the call will need. */
  readonly opened: (context: CallContext) => void;
  readonly publicHost: string | null;
  readonly random: Random;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

export type ReceiveCall = {
  readonly channel: ChannelName;
  readonly webhook: CallWebhook;
  /** As it stands in the path. */
  readonly assistantId: string;
  readonly request: WebhookRequest;
};

/**
 * Phase 1: a carrier announces a call and is told where to bring its audio. One read, one insert, no outside call.
 * The order of the checks is part of the contract. @throws AppError; the http room gives it the carrier's form.
 */
export async function receiveCall(parts: ReceiveCallParts, command: ReceiveCall): Promise<WebhookAnswer> {
  const assistant = await findAssistant(parts, command.assistantId);
  await authenticate(parts, assistant, command.request);
  const incoming = command.webhook.read(command.request);
  parts.admit();
  const { context, isNew } = await parts.calls.open({
    contextId: newContextId(parts.random),
    conversationId: newConversationId(parts.random),
    projectId: assistant.projectId,
    assistantId: assistant.id,
    assistantVersion: assistant.publishedVersion,
    deploymentId: null,
    credentialId: null,
    channel: command.channel,
    direction: 'inbound',
    ...incoming,
    isUnverified: false,
    args: {},
    ttlMs: INBOUND_CONTEXT_TTL_MS,
  });
  announce(parts, context, isNew);
  return command.webhook.answer(context, parts.publicHost, { request: command.request, settings: {} });
}

async function findAssistant(parts: ReceiveCallParts, rawId: string): Promise<Assistant> {
  const id: AssistantId | null = parseAssistantId(rawId);
  if (id === null) {
    throw new AppError('invalid_parameters', { detail: 'the assistant id must be a decimal number up to 2^53-1' });
  }
  const assistant = await parts.assistants.find(id);
  if (assistant === null) throw new AppError('assistant_not_found', { detail: `no assistant has the id ${id}` });
  return assistant;
}

async function authenticate(parts: ReceiveCallParts, assistant: Assistant, request: WebhookRequest): Promise<void> {
  const key = readApiKey(request);
  if (key === null) {
    // The manual's own connectivity check is a bare curl: it is told what is missing, not that it is forbidden.
    if (Object.keys(request.parameters).length === 0) {
      throw new AppError('invalid_parameters', {
        detail: 'this address wants a call: from, and x-api-key or a signature',
      });
    }
    throw new AppError('unauthenticated', { detail: 'send x-api-key as a header or a query parameter' });
  }
  const principal = await parts.verifyApiKey(key);
  const isAllowed = principal?.projectId === assistant.projectId && principal.scopes.includes('talk');
  if (!isAllowed)
    throw new AppError('unauthenticated', { detail: "the key is not a valid key of the assistant's project" });
}

function announce(parts: ReceiveCallParts, context: CallContext, isNew: boolean): void {
  const { contextId, assistantId, channel } = context;
  parts.log.info('call.received', { contextId, assistantId, channel, from: maskNumber(context.from), isNew });
  parts.metrics.count('calls_received_total', { channel, repeated: String(!isNew) });
  if (isNew) parts.opened(context);
}
