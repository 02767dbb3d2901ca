import type { Transfer, TransferFailure } from '../call/transfer.ts';
import type { ContextId, ConversationId, TransferId } from '../ids.ts';

export type NewTransfer = Pick<
  Transfer,
  'transferId' | 'contextId' | 'conversationId' | 'projectId' | 'to' | 'bookmark'
>;

/** The transfers of calls. Each state is reached by one conditional write: of two that try, one gets `true`. All throw AppError database_unavailable. */
export interface TransferRepository {
  /** A new one, `asked`. */
  ask(transfer: NewTransfer): Promise<void>;
  dial(transferId: TransferId): Promise<boolean>;
  /** `connected`, or `failed` with the reason, as whoever dialled saw it. */
  settle(transferId: TransferId, failed: TransferFailure | null): Promise<boolean>;
  /** The carrier dials on its own: what becomes of it comes later, also from a call that comes back. */
  handOver(transferId: TransferId): Promise<void>;
  /** The same as `settle` on the carrier's word, with a line in the record of the call, which may be over. */
  settleLate(transfer: Pick<Transfer, 'transferId' | 'contextId'>, failed: TransferFailure | null): Promise<boolean>;
  /** The newest one of a call. */
  newestOf(contextId: ContextId): Promise<Transfer | null>;
  /** The caller is asked back into this attempt; false when another one was named before. */
  askBack(transferId: TransferId, returnContextId: ContextId): Promise<boolean>;
  /**
   * The caller is back in this attempt: the transfer that brought them here becomes `returned` and comes along; null when
   * none did. One of which no outcome was told has failed as `no_answer`. Asked again for the same attempt, it comes again.
   */
  takeReturn(conversationId: ConversationId, contextId: ContextId): Promise<Transfer | null>;
}
