import type { ChannelName } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { AppError } from '../core/errors.ts';
import type { ContextId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { Clock } from '../core/ports/clock.ts';

export type CheckContextParts = { readonly calls: Pick<CallRepository, 'find'>; readonly clock: Clock };

/**
 * Whether media may still come for this context: asked before a WebSocket is accepted, and only reads, so that a stranger's
 * connection uses nothing up. @throws AppError context_not_found, context_expired, context_claimed.
 */
export async function checkContext(
  parts: CheckContextParts,
  contextId: ContextId,
  channel: ChannelName,
): Promise<CallContext> {
  const context = await parts.calls.find(contextId);
  if (context === null || context.channel !== channel) throw new AppError('context_not_found');
  if (context.status === 'claimed') throw new AppError('context_claimed');
  if (context.status !== 'pending' || context.expiresAt <= parts.clock.date()) throw new AppError('context_expired');
  return context;
}
