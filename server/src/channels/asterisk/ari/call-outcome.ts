import type { EndReason } from '../../../core/call/call.ts';
import type { TransferFailure } from '../../../core/call/transfer.ts';
import type { DialStatus } from './ari-event.ts';

/** How a call went, as Asterisk knows it once its channel is gone. */
export type ChannelEnd = {
  readonly isAnswered: boolean;
  /** The last one told; empty: none. */
  readonly dialStatus: DialStatus;
  /** Q.850 */
  readonly cause: number;
};

/** Causes of ITU-T Q.850, 2.2.7, as Asterisk maps SIP statuses to them (chan_pjsip.c; seen: 480 -> 19, 603 -> 21, 404 -> 1). */
const CAUSE = {
  normalClearing: 16,
  userBusy: 17,
  noUserResponding: 18,
  noAnswer: 19,
  subscriberAbsent: 20,
  rejected: 21,
  answeredElsewhere: 26,
} as const;

/**
 * Why the call ended. Before the answer NOANSWER says nothing, as every refusal but busy and congestion bears that name: the cause
 * tells (seen with Asterisk 22.10).
 */
export function endReasonOf({ isAnswered, dialStatus, cause }: ChannelEnd): EndReason {
  if (isAnswered) return 'caller_hung_up';
  if (dialStatus === 'BUSY') return 'busy';
  if (dialStatus === 'CONGESTION' || dialStatus === 'CHANUNAVAIL') return 'carrier_failed';
  switch (cause) {
    case CAUSE.userBusy:
      return 'busy';
    case CAUSE.noUserResponding:
    case CAUSE.noAnswer:
    case CAUSE.subscriberAbsent:
      return 'no_answer';
    case CAUSE.rejected:
      return 'rejected';
    // Nobody but us, or somebody at the PBX, takes a ringing call back.
    case CAUSE.normalClearing:
    case CAUSE.answeredElsewhere:
      return 'cancelled';
    default:
      return 'carrier_failed';
  }
}

/** The same of a call to which a caller was to be handed over. */
export function transferFailureOf(end: ChannelEnd): TransferFailure {
  switch (endReasonOf(end)) {
    case 'busy':
      return 'busy';
    case 'no_answer':
      return 'no_answer';
    case 'rejected':
    case 'cancelled':
      return 'rejected';
    default:
      return 'unreachable';
  }
}
