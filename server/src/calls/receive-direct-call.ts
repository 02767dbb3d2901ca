import type { ChannelName } from '../core/call/call.ts';
import { INBOUND_CONTEXT_TTL_MS } from '../core/call/call-context.ts';
import { deploymentOfCall } from '../core/deployment/deployment.ts';
import { AppError } from '../core/errors.ts';
import type { AssistantId, ContextId } from '../core/ids.ts';
import { newContextId, newConversationId } from '../core/ids.ts';
import { announceCall } from './announced-call.ts';
import type { ProjectLines } from './project-lines.ts';
import type { ReceiveCallParts } from './receive-call.ts';
import { refuseBlocked } from './refuse-blocked.ts';

export type ReceiveDirectCallParts = Pick<ReceiveCallParts, 'assistants' | 'admit' | 'opened' | 'random'> &
  Pick<ReceiveCallParts, 'log' | 'metrics'> & {
    readonly calls: Pick<ReceiveCallParts['calls'], 'open'>;
    readonly lines: Pick<ProjectLines, 'ofProject'>;
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
 * caller's choice. @throws AppError assistant_not_found, caller_blocked, limit_reached, over_capacity, draining, database_unavailable; conflict while a
 * call of this id to this assistant is not over.
 */
export async function receiveDirectCall(parts: ReceiveDirectCallParts, call: DirectCall): Promise<ContextId> {
  parts.admit();
  const { headers, ...incoming } = call;
  const assistant = await parts.assistants.find(call.assistantId);
  if (assistant === null) throw new AppError('assistant_not_found');
  const { deployments, blockedCallers } = await parts.lines.ofProject(assistant.projectId);
  refuseBlocked(parts, assistant, blockedCallers, call.from);
  const deployment = deploymentOfCall(deployments, call);
  const { context, isNew } = await parts.calls.open({
    ...incoming,
    contextId: newContextId(parts.random),
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
  });
  if (!isNew) throw new AppError('conflict', { detail: 'a call of this id is not over' });
  announceCall(parts, context, isNew);
  return context.contextId;
}
