import type { ChannelName } from '../core/call/call.ts';
import type { ClaimedContext } from '../core/call/call-context.ts';
import { AppError } from '../core/errors.ts';
import type { ContextId, NodeId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { Clock } from '../core/ports/clock.ts';

/** A caller hears silence meanwhile, so a database that takes longer counts as away. */
export const CLAIM_TIMEOUT_MS = 2_000;

export type ClaimParts = {
  readonly calls: Pick<CallRepository, 'claim'>;
  readonly clock: Clock;
  readonly nodeId: NodeId;
};

/**
 * Claims a context within two seconds. A claim that gets no answer in time may be carried out later: the caller gives it up.
 * @throws AppError context_not_found, context_claimed, context_expired, database_unavailable.
 */
export function claimContext(parts: ClaimParts, contextId: ContextId, channel: ChannelName): Promise<ClaimedContext> {
  const late = Promise.withResolvers<never>();
  const timer = parts.clock.after(CLAIM_TIMEOUT_MS, () => {
    late.reject(new AppError('database_unavailable', { detail: `the claim took over ${CLAIM_TIMEOUT_MS} ms` }));
  });
  const claim = parts.calls.claim(contextId, channel, parts.nodeId);
  return Promise.race([claim, late.promise]).finally(() => timer.cancel());
}
