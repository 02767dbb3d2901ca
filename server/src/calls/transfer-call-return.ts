import type { ConversationRecorder } from '../conversation/conversation-recorder.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { toAppError } from '../core/errors.ts';
import type { BrainInput } from '../core/ports/brain.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { TransferRepository } from '../core/ports/transfer-repository.ts';

export type TransferReturnParts = {
  readonly transfers: Pick<TransferRepository, 'takeReturn'>;
  readonly log: EventLog;
};

/** What a brain is asked first when a transfer brought the caller back; null for any other call. Never throws. */
export async function openingOf(
  { transfers, log }: TransferReturnParts,
  { attempt, conversationId, contextId }: CallContext,
  recorder: ConversationRecorder,
): Promise<BrainInput | null> {
  if (attempt === 1) return null;
  try {
    const transfer = await transfers.takeReturn(conversationId, contextId);
    if (transfer === null) return null;
    const { failure, bookmark } = transfer;
    const reason = failure ?? 'no_answer';
    recorder.event({ atMs: 0, type: 'transfer_returned', data: { reason } });
    return { type: 'transfer_failed', reason, bookmark };
  } catch (error) {
    log.warn('transfer.return_unknown', { contextId, code: toAppError(error).code });
    return null;
  }
}
