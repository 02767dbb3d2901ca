import type { ContextId, ConversationId, ProjectId, TransferId } from '../ids.ts';

/** `connected`, `failed` and `returned` are reached at most once; see `mayBecome`. */
export const TRANSFER_STATES = ['asked', 'dialling', 'connected', 'failed', 'returned'] as const;
export type TransferState = (typeof TRANSFER_STATES)[number];

/** `cancelled`: the caller hung up meanwhile, or we took it back. */
export const TRANSFER_FAILURES = ['busy', 'no_answer', 'rejected', 'unreachable', 'cancelled'] as const;
export type TransferFailure = (typeof TRANSFER_FAILURES)[number];

/** One attempt to hand a live call over to somebody else. */
export type Transfer = {
  readonly transferId: TransferId;
  readonly contextId: ContextId;
  readonly conversationId: ConversationId;
  readonly projectId: ProjectId;
  /** As it was checked: E.164, or what the PBX understands. */
  readonly to: string;
  readonly state: TransferState;
  /** Set from `failed` on. */
  readonly failure: TransferFailure | null;
  /** What the brain asked to have back when it fails. */
  readonly bookmark: TransferBookmark | null;
  /** The next attempt of the call, in which the caller is back; set before `returned`. */
  readonly returnContextId: ContextId | null;
  readonly askedAt: Date;
  readonly diallingAt: Date | null;
  /** When it connected or failed. */
  readonly overAt: Date | null;
};

/** JSON of the brain's own, at most `MOST_BOOKMARK_BYTES` as text. */
export type TransferBookmark = Readonly<Record<string, unknown>>;
export const MOST_BOOKMARK_BYTES = 16_384;

/** The states that one may follow; a carrier's word that comes twice or late finds its state gone. */
const BEFORE: Readonly<Record<TransferState, readonly TransferState[]>> = {
  asked: [],
  dialling: ['asked'],
  connected: ['dialling'],
  failed: ['asked', 'dialling'],
  returned: ['failed'],
};

/** The states a transfer may be in when it becomes `next`. */
export function statesBefore(next: TransferState): readonly TransferState[] {
  return BEFORE[next];
}
