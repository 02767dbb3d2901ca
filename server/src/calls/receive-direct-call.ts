import type { ChannelName } from '../core/call/call.ts';
import { INBOUND_CONTEXT_TTL_MS } from '../core/call/call-context.ts';
import { deploymentOfCall } from '../core/deployment/deployment.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { AssistantId, ContextId, NodeId } from '../core/ids.ts';
import { newContextId, newConversationId } from '../core/ids.ts';
import type { OpenedContext } from '../core/ports/call-repository.ts';
import { announceCall } from './announced-call.ts';
import type { CallJournal } from './call-journal.ts';
import type { HeldCalls } from './held-calls.ts';
import type { ProjectLines } from './project-lines.ts';
import type { ReceiveCallParts } from './receive-call.ts';
import { refuseBlocked } from './refuse-blocked.ts';

export type ReceiveDirectCallParts = Pick<ReceiveCallParts, 'assistants' | 'opened' | 'random'> &
  Pick<ReceiveCallParts, 'log' | 'metrics'> & {
    readonly calls: Pick<ReceiveCallParts['calls'], 'open'>;
    readonly lines: Pick<ProjectLines, 'ofProject'>;
    readonly heldCalls: HeldCalls;
    readonly journal: Pick<CallJournal, 'giveUp'>;
    readonly nodeId: NodeId;
  };

/** A call that reached us without a webhook, its caller known already. */
export type DirectCall = {
  readonly channel: ChannelName;
  readonly assistantId: AssistantId;
  readonly from: string | null;
  readonly to: string | null;
  readonly providerCallId: string;
  readonly headers: Readonly<Record<string, string>>;
};

/**
 * Opens a new context for a call that a channel's own listener let in, never one that is there already: its id is the
 * caller's choice. It is held for its media. @throws AppError assistant_not_found, caller_blocked, limit_reached, over_capacity,
 * draining, database_unavailable; conflict while a call of this id to this assistant is not over.
 */
export async function receiveDirectCall(parts: ReceiveDirectCallParts, call: DirectCall): Promise<ContextId> {
  const slot = parts.heldCalls.reserve();
  try {
    const { context, isNew, claimed } = await open(parts, call);
    if (!isNew || !claimed) throw new AppError('conflict', { detail: 'a call of this id is not over' });
    parts.heldCalls.hold(claimed, slot);
    announceCall(parts, context, isNew);
    return context.contextId;
  } catch (error) {
    slot[Symbol.dispose]();
    throw error;
  }
}

async function open(parts: ReceiveDirectCallParts, call: DirectCall): Promise<OpenedContext> {
  const { headers, ...incoming } = call;
  const assistant = await parts.assistants.find(call.assistantId);
  if (assistant === null) throw new AppError('assistant_not_found');
  const { deployments, blockedCallers } = await parts.lines.ofProject(assistant.projectId);
  refuseBlocked(parts, assistant, blockedCallers, call.from);
  const deployment = deploymentOfCall(deployments, call);
  const contextId = newContextId(parts.random);
  const opening = parts.calls.open({
    ...incoming,
    contextId,
    conversationId: newConversationId(parts.random),
    projectId: assistant.projectId,
    assistantVersion: assistant.publishedVersion,
    deploymentId: deployment?.id ?? null,
    credentialId: deployment?.credentialId ?? null,
    direction: 'inbound',
    metadata: headers,
    isUnverified: false,
    args: {},
    ttlMs: INBOUND_CONTEXT_TTL_MS,
    maxOpenCalls: assistant.maxConcurrentCalls,
    claimFor: parts.nodeId,
  });
  return await opening.catch((error: unknown) => {
    // The database may have done it, or may yet: then nobody would hold the call.
    if (toAppError(error).code === 'database_unavailable')
      parts.journal.giveUp(contextId, { nodeId: parts.nodeId, isPendingKept: false }).catch(() => undefined);
    throw error;
  });
}
