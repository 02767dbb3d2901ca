import type { Assistant } from '../core/assistant/assistant.ts';
import type { ChannelName } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { INBOUND_CONTEXT_TTL_MS } from '../core/call/call-context.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import { AppError } from '../core/errors.ts';
import type { AssistantId } from '../core/ids.ts';
import { newContextId, newConversationId, parseAssistantId } from '../core/ids.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { CallRepository, OpenedContext } from '../core/ports/call-repository.ts';
import type { IncomingCall, WebhookAnswer } from '../core/ports/channel.ts';
import type { Random } from '../core/ports/random.ts';
import { type AnnounceParts, announceCall, type ReceiveCall } from './announced-call.ts';
import { limitUnverified } from './ask-carrier.ts';
import { type AuthenticateParts, authenticateCall, type Entry } from './authenticate-call.ts';
import { refuseBlocked } from './refuse-blocked.ts';

export type ReceiveCallParts = AuthenticateParts &
  AnnounceParts & {
    readonly assistants: Pick<AssistantRepository, 'find'>;
    readonly calls: Pick<CallRepository, 'open' | 'find' | 'findByProviderCall' | 'countUnverified'>;
    /** @throws AppError draining or over_capacity. */
    readonly admit: () => void;
    /** Called with each new context that nothing vouches for, and the accounts whose carrier may. */
    readonly askCarrier: (context: CallContext, credentials: readonly OpenCredential[]) => void;
    readonly random: Random;
  };

/**
 * Phase 1: a carrier announces a call and is told where to bring its audio. One read, one insert, no outside call.
 * The order of the checks is part of the contract. @throws AppError; the http room gives it the carrier's form.
 */
export async function receiveCall(parts: ReceiveCallParts, command: ReceiveCall): Promise<WebhookAnswer> {
  const assistant = await findAssistant(parts, command.assistantId);
  const reading = readCall(command);
  const said = 'incoming' in reading ? reading.incoming : null;
  const entry = await authenticateCall(parts, assistant, { ...command, incoming: said });
  if ('error' in reading) throw reading.error;
  const { incoming } = reading;
  refuseBlocked(parts, assistant, (await parts.lines.ofProject(assistant.projectId)).blockedCallers, incoming.from);
  parts.admit();
  const { context, isNew } =
    (await placedBefore(parts, assistant, command.channel, incoming)) ??
    (await open(parts, assistant, { channel: command.channel, incoming }, entry));
  announceCall(parts, context, isNew);
  if (isNew && entry.ask.length > 0) parts.askCarrier(context, entry.ask);
  const { settings = {} } = entry.deployment ?? {};
  return command.webhook.answer(context, parts.publicHost, { request: command.request, settings });
}

/** What is wrong with the parameters is told only to callers that may know. */
function readCall({
  webhook,
  request,
}: ReceiveCall): { readonly incoming: IncomingCall } | { readonly error: unknown } {
  try {
    return { incoming: webhook.read(request) };
  } catch (error) {
    return { error };
  }
}

/**
 * A call of ours that the carrier comes back for, naming its context.
 * @throws AppError context_expired for one that was cancelled or given up before it was answered: nobody is to be talked to.
 */
async function placedBefore(
  { calls }: ReceiveCallParts,
  assistant: Assistant,
  channel: ChannelName,
  { contextId }: IncomingCall,
): Promise<OpenedContext | null> {
  const context = contextId === undefined ? null : await calls.find(contextId);
  const isThat =
    context?.assistantId === assistant.id && context.channel === channel && context.direction === 'outbound';
  if (!context || !isThat) return null;
  if (context.status === 'pending' || context.status === 'claimed') return { context, isNew: false };
  if (context.claimedBy === null) throw new AppError('context_expired', { detail: 'this call was given up' });
  return null;
}

async function open(
  parts: ReceiveCallParts,
  assistant: Assistant,
  call: { readonly channel: ChannelName; readonly incoming: IncomingCall },
  entry: Entry,
): Promise<OpenedContext> {
  const { channel } = call;
  const { contextId: _, ...incoming } = call.incoming;
  if (entry.ask.length > 0 && !(await isOpen(parts, assistant, channel, incoming.providerCallId))) {
    await limitUnverified(parts.calls, assistant.id);
  }
  return await parts.calls.open({
    contextId: newContextId(parts.random),
    conversationId: newConversationId(parts.random),
    projectId: assistant.projectId,
    assistantId: assistant.id,
    assistantVersion: assistant.publishedVersion,
    deploymentId: entry.deployment?.id ?? null,
    credentialId: entry.credentialId,
    channel,
    direction: 'inbound',
    ...incoming,
    isUnverified: entry.isUnverified,
    args: {},
    ttlMs: INBOUND_CONTEXT_TTL_MS,
    maxOpenCalls: assistant.maxConcurrentCalls,
  });
}

/** Whether a webhook is a repeated one: what is open already counts against no limit. */
async function isOpen(
  { calls }: ReceiveCallParts,
  { projectId, id }: Assistant,
  channel: ChannelName,
  providerCallId: string | null,
): Promise<boolean> {
  const known = providerCallId === null ? null : await calls.findByProviderCall(channel, providerCallId, projectId);
  return known?.assistantId === id && (known.status === 'pending' || known.status === 'claimed');
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
