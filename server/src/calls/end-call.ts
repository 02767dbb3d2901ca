import type { EndReason } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { AppError } from '../core/errors.ts';
import type { ContextId, ProjectId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { EventBus } from '../core/ports/event-bus.ts';
import type { HeldCalls } from './held-calls.ts';
import type { LiveCalls } from './live-calls.ts';

export type EndCallParts = {
  readonly calls: Pick<CallRepository, 'find' | 'end'>;
  readonly liveCalls: LiveCalls;
  readonly bus: Pick<EventBus, 'publish'>;
  /** Takes a call that we placed back from its carrier, in the background. */
  readonly hangUp?: (context: CallContext) => void;
};

/** Ends a call of a project, pending or live, on whatever node; ending it again is fine. @throws AppError context_not_found. */
export async function endCall(parts: EndCallParts, projectId: ProjectId, contextId: ContextId): Promise<void> {
  const context = await parts.calls.find(contextId);
  if (context === null || context.projectId !== projectId) throw new AppError('context_not_found');
  await endCallAs(parts, contextId, context.status === 'pending' ? 'cancelled' : 'assistant_hung_up');
}

/** The same for whoever brings the media: a call that is held for it here can be ended by nobody else. */
export async function endCallOfMedia(
  parts: EndCallParts & { readonly heldCalls: Pick<HeldCalls, 'end'> },
  contextId: ContextId,
  reason: EndReason,
): Promise<void> {
  if (!(await parts.heldCalls.end(contextId, reason))) await endCallAs(parts, contextId, reason);
}

/**
 * The same on a carrier's word. The node that holds the conversation ends it, so that its last turns are written; where none
 * does, the record is closed. A call that was answered in the same moment is told as well.
 */
export async function endCallAs(parts: EndCallParts, contextId: ContextId, reason: EndReason): Promise<void> {
  const live = parts.liveCalls.find(contextId);
  if (live) return live.end(reason);
  const context = await parts.calls.find(contextId);
  if (context === null || context.status === 'ended' || context.status === 'failed' || context.status === 'expired')
    return;
  if (context.status === 'pending') {
    await parts.calls.end(contextId, reason);
    if (context.direction === 'outbound') parts.hangUp?.(context);
  }
  await parts.bus.publish({ type: 'call.end', contextId, reason });
}
