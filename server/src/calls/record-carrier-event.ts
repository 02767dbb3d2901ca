import type { EndReason } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { ContextId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { CallReport, WebhookAnswer } from '../core/ports/channel.ts';
import { type CarrierEvent, type CarrierEventParts, type KnownEvent, knowCarrierEvent } from './carrier-event.ts';
import { type AnsweredByParts, recordAnsweredBy } from './record-answered-by.ts';
import { type TransferOverParts, transferOver } from './transfer-call-over.ts';

export type RecordEventParts = CarrierEventParts &
  TransferOverParts &
  AnsweredByParts & {
    readonly calls: Pick<CallRepository, 'setStatus'>;
    readonly endCall: (contextId: ContextId, reason: EndReason) => Promise<void>;
  };

/**
 * Takes a carrier's word about a call: late, repeated and out of order, once it is known to be the carrier's. A call that is
 * over stays over. Where the carrier asks what is to follow, that is the answer.
 * @throws AppError wrong_signature for a forged one, unauthenticated for a wrong API key.
 */
export async function recordCarrierEvent(
  parts: RecordEventParts,
  event: CarrierEvent,
): Promise<'recorded' | 'unknown' | WebhookAnswer> {
  const known = await knowCarrierEvent(parts, event);
  if (!known?.context) return 'unknown';
  return await apply(parts, known, known.context);
}

async function apply(
  parts: RecordEventParts,
  { webhook, report }: KnownEvent,
  context: CallContext,
): Promise<'recorded' | WebhookAnswer> {
  const { change } = report;
  if (change?.type === 'transfer_over') {
    const next = await transferOver(parts, context, change);
    return webhook.afterTransfer?.(next, parts.publicHost) ?? 'recorded';
  }
  if (!isAboutCall(context, report)) return 'recorded';
  // First: a call that a machine took may end with the same word.
  if (report.answeredBy) await recordAnsweredBy(parts, context, report.answeredBy);
  if (change) await move(parts, change.type === 'ended' ? await newestAttempt(parts, context) : context, change);
  return 'recorded';
}

/** A carrier reports on all legs of a call alike; another one's end, that of our media for one, is not the caller's. */
function isAboutCall(context: CallContext, { providerCallId }: CallReport): boolean {
  return providerCallId === null || context.providerCallId === null || providerCallId === context.providerCallId;
}

/** A caller who came back after a transfer is in a later attempt than the carrier was told of: the end of the call is the end of that. */
async function newestAttempt({ calls }: RecordEventParts, context: CallContext): Promise<CallContext> {
  const { channel, providerCallId, projectId, assistantId, status } = context;
  if (providerCallId === null || status === 'pending' || status === 'claimed') return context;
  const newest = await calls.findByProviderCall(channel, providerCallId, projectId);
  return newest?.assistantId === assistantId ? newest : context;
}

async function move(
  parts: RecordEventParts,
  { contextId, claimedBy }: CallContext,
  change: Exclude<NonNullable<CallReport['change']>, { readonly type: 'transfer_over' }>,
): Promise<void> {
  switch (change.type) {
    case 'ringing':
      await parts.calls.setStatus(contextId, 'ringing');
      return;
    case 'answered':
      await parts.calls.setStatus(contextId, 'live');
      return;
    case 'ended':
      // "Completed" of a call whose audio never came: nobody talked.
      return await parts.endCall(
        contextId,
        change.reason === 'caller_hung_up' && claimedBy === null ? 'never_connected' : change.reason,
      );
  }
}
