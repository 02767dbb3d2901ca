import type { ConversationRecorder } from '../conversation/conversation-recorder.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { toAppError } from '../core/errors.ts';
import type { BrainInput, EarlierTurn } from '../core/ports/brain.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { TransferRepository } from '../core/ports/transfer-repository.ts';

export type TransferReturnParts = {
  readonly transfers: Pick<TransferRepository, 'takeReturn'>;
  readonly calls: Pick<CallRepository, 'get'>;
  readonly log: EventLog;
};

/** So many of the last turns are remembered. */
const MOST_TURNS = 40;

/** How a call goes on that came back: what its brain is asked first, and what was heard before. */
export type TransferReturn = { readonly opening: BrainInput; readonly earlier: readonly EarlierTurn[] };

/** What a conversation begins with when a transfer brought the caller back; null for any other call. Never throws. */
export async function returnOf(
  { transfers, calls, log }: TransferReturnParts,
  { attempt, conversationId, contextId, projectId }: CallContext,
  recorder: ConversationRecorder,
): Promise<TransferReturn | null> {
  if (attempt === 1) return null;
  try {
    const transfer = await transfers.takeReturn(conversationId, contextId);
    if (transfer === null) return null;
    const { failure, bookmark } = transfer;
    const reason = failure ?? 'no_answer';
    recorder.event({ atMs: 0, type: 'transfer_returned', data: { reason } });
    const before = await calls.get(projectId, transfer.contextId).catch(() => null);
    return { opening: { type: 'transfer_failed', reason, bookmark }, earlier: before?.turns.slice(-MOST_TURNS) ?? [] };
  } catch (error) {
    log.warn('transfer.return_unknown', { contextId, code: toAppError(error).code });
    return null;
  }
}
