import type { EndReason } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import { AppError } from '../core/errors.ts';
import type { AssistantId, ContextId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';

/** Calls without a proof that an assistant takes at once, and within an hour. */
export const MOST_UNVERIFIED_AT_ONCE = 5;
export const MOST_UNVERIFIED_AN_HOUR = 60;
const ASK_LIMIT_MS = 5_000;

/** @throws AppError rate_limited when an assistant has all the unproven calls it takes. */
export async function limitUnverified(
  calls: Pick<CallRepository, 'countUnverified'>,
  assistantId: AssistantId,
): Promise<void> {
  const { open, lastHour } = await calls.countUnverified(assistantId);
  if (open < MOST_UNVERIFIED_AT_ONCE && lastHour < MOST_UNVERIFIED_AN_HOUR) return;
  throw new AppError('rate_limited', {
    detail: `calls without a proof: at most ${MOST_UNVERIFIED_AT_ONCE} at once and ${MOST_UNVERIFIED_AN_HOUR} an hour; store what the carrier signs with`,
    retryAfterSeconds: open >= MOST_UNVERIFIED_AT_ONCE ? 10 : 600,
  });
}

export type AskCarrierParts = {
  readonly channels: readonly Channel[];
  readonly endCall: (contextId: ContextId, reason: EndReason) => Promise<void>;
  readonly log: EventLog;
};

/**
 * Asks the carrier about a call that carried no proof, after it was let in: one that no account knows ends as `rejected`. A
 * carrier that does not answer within 5 s is given the benefit of the doubt. Never throws.
 */
export async function askCarrier(
  { channels, endCall, log }: AskCarrierParts,
  { contextId, channel, providerCallId }: CallContext,
  credentials: readonly OpenCredential[],
): Promise<void> {
  const asked = channels.find(({ name }) => name === channel);
  if (!asked?.knowsCall || providerCallId === null) return;
  const signal = AbortSignal.timeout(ASK_LIMIT_MS);
  try {
    for (const credential of credentials) {
      if (await asked.knowsCall(credential, providerCallId, signal)) {
        return log.info('call.vouched', { contextId, channel });
      }
    }
    log.warn('call.rejected', { contextId, channel, reason: 'the carrier does not know it' });
    await endCall(contextId, 'rejected');
  } catch (error) {
    log.warn('call.not_vouched', {
      contextId,
      channel,
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}
