import type { EndReason } from '../../core/call/call.ts';
import { reasonPhrase } from '../../protocols/sip/message/reason-phrases.ts';

/** Why a call of ours was not answered. */
export type Refusal = {
  /** Null: it never left this machine, or nobody answered at all. */
  readonly status: number | null;
  readonly retryAfterSeconds: number | null;
  /** Whether it rang before, as far as was told. */
  readonly hasRung: boolean;
  /** For the log and the record; no number is in it. */
  readonly detail: string;
};

const BUSY: ReadonlySet<number> = new Set([486, 600]);
const UNANSWERED: ReadonlySet<number> = new Set([408, 480, 487]);
/** Declined, unwanted (RFC 8197), rejected by a screening service (RFC 8688). */
const REJECTED: ReadonlySet<number> = new Set([603, 607, 608]);
const RETRYABLE: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/**
 * The end of a call that was refused (RFC 3261, 21.4 to 21.6). A 403 is the callee's no once it has rung, as Asterisk says it;
 * before that it is the trunk's.
 */
export function endReasonOf({ status, hasRung }: Refusal): EndReason {
  if (status === null) return 'carrier_failed';
  if (BUSY.has(status)) return 'busy';
  if (UNANSWERED.has(status)) return 'no_answer';
  return REJECTED.has(status) || (status === 403 && hasRung) ? 'rejected' : 'carrier_failed';
}

/** Whether the same call may get through a little later: nobody was reached, or the trunk was full. */
export function isRetryable({ status, hasRung }: Refusal): boolean {
  return !hasRung && (status === null || RETRYABLE.has(status));
}

/** `the trunk answered 404 Not Found`. */
export function wordsOf(status: number): string {
  return `the other side answered ${status} ${reasonPhrase(status)}`.trim();
}
