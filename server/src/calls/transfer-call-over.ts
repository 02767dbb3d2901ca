import type { EndReason } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { INBOUND_CONTEXT_TTL_MS } from '../core/call/call-context.ts';
import type { Transfer } from '../core/call/transfer.ts';
import { type ContextId, newContextId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { CallChange } from '../core/ports/channel.ts';
import type { Random } from '../core/ports/random.ts';
import type { TransferRepository } from '../core/ports/transfer-repository.ts';
import { type AnnounceParts, announceCall } from './announced-call.ts';

export type TransferOverParts = AnnounceParts & {
  readonly calls: Pick<CallRepository, 'find' | 'open' | 'end'>;
  readonly transfers: Pick<TransferRepository, 'newestOf' | 'settleLate' | 'askBack'>;
  readonly endCall: (contextId: ContextId, reason: EndReason) => Promise<void>;
  readonly random: Random;
};

/**
 * A carrier tells what became of a call that it was handed. A caller who waits, because nobody took the call, is asked back:
 * into a new attempt of the same conversation, which is returned; null where the carrier is to do nothing more. The same word
 * again finds the same attempt, while that one is open.
 */
export async function transferOver(
  parts: TransferOverParts,
  context: CallContext,
  { failed, isCallerWaiting }: Extract<CallChange, { readonly type: 'transfer_over' }>,
): Promise<CallContext | null> {
  const asked = await parts.transfers.newestOf(context.contextId);
  if (asked === null) return null;
  await parts.transfers.settleLate(asked, failed);
  if (failed === null || !isCallerWaiting) return null;
  const transfer = await parts.transfers.newestOf(context.contextId);
  if (transfer === null || transfer.state === 'connected') return null;
  return transfer.returnContextId === null ? await askBack(parts, context, transfer) : await openOne(parts, transfer);
}

async function askBack(
  parts: TransferOverParts,
  context: CallContext,
  transfer: Transfer,
): Promise<CallContext | null> {
  // The carrier may be faster than our own request to it: the attempt before must be over for the next one to be another.
  await parts.endCall(context.contextId, 'transferred');
  await parts.calls.end(context.contextId, 'transferred');
  const { status: _, claimedBy: __, attempt: ___, expiresAt: ____, ...same } = context;
  const opened = await parts.calls.open({
    ...same,
    contextId: newContextId(parts.random),
    ttlMs: INBOUND_CONTEXT_TTL_MS,
  });
  const isOurs = await parts.transfers.askBack(transfer.transferId, opened.context.contextId);
  if (opened.isNew) announceCall(parts, opened.context, true);
  return isOurs ? opened.context : null;
}

/** The attempt the caller was asked into before, unless it is over: a word that is played again must not make another. */
async function openOne({ calls }: TransferOverParts, { returnContextId }: Transfer): Promise<CallContext | null> {
  const before = returnContextId === null ? null : await calls.find(returnContextId);
  return before?.status === 'pending' || before?.status === 'claimed' ? before : null;
}
