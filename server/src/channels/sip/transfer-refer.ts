import type { TransferFailure, TransferOutcome } from '../../core/ports/call-transfer.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Call } from '../../protocols/sip/call/call.ts';
import type { TransferProgress } from '../../protocols/sip/call/sipfrag.ts';
import { wordsOf } from './outbound-refusal.ts';

/** A call that may be handed over: one that came in, or one of ours. */
export interface TransferableCall {
  readonly call: Call | undefined;
  onTransferProgress: ((progress: TransferProgress) => void) | undefined;
}

export type Referring = {
  readonly clock: Clock;
  /** The Refer-To. */
  readonly target: string;
  readonly ringTimeoutMs: number;
  /** Hears each status: the REFER's own, and those of the new call. */
  readonly note: (status: number) => void;
};

/** `refused`: the peer does not do this, whoever it is to call. */
export type ReferOutcome = TransferOutcome | { readonly type: 'refused'; readonly status: number };

/** Beyond the ring time: the peer's own signalling. */
const NOTIFY_GRACE_MS = 5_000;
const BUSY: ReadonlySet<number> = new Set([486, 600]);
const UNANSWERED: ReadonlySet<number> = new Set([408, 480, 487]);
const REJECTED: ReadonlySet<number> = new Set([403, 603, 607, 608]);
/** The REFER itself answered so tells of its target, and another way would find the same. */
const ABOUT_TARGET: ReadonlySet<number> = new Set([404, 410, 480, 484, 486, 600, 604]);

/** Why a call to somebody else failed, from the status it was refused with. */
export function transferFailureOf(status: number | null): TransferFailure {
  if (status === null) return 'unreachable';
  if (BUSY.has(status)) return 'busy';
  if (UNANSWERED.has(status)) return 'no_answer';
  return REJECTED.has(status) ? 'rejected' : 'unreachable';
}

/** Whether a peer may be asked at all: its Allow names REFER, or it sent none (RFC 3261, 20.5). */
export function takesRefer(call: Call): boolean {
  return call.peerAllows.length === 0 || call.peerAllows.includes('REFER');
}

/**
 * Blind transfer (RFC 3515, RFC 5589, 6): the peer is asked to call the target itself, and its NOTIFYs are followed. The BYE is
 * the caller's to send, at once: Twilio lets both sides wait in silence for it.
 */
export function refer(leg: TransferableCall, { clock, target, ringTimeoutMs, note }: Referring, signal: AbortSignal) {
  const { promise, resolve } = Promise.withResolvers<ReferOutcome>();
  let isAccepted = false;
  let wasNotified = false;
  const timer = clock.after(ringTimeoutMs + NOTIFY_GRACE_MS, () =>
    resolve(failed('no_answer', 'it was never notified')),
  );
  const abort = () => {
    // A peer that took the REFER, notifies of nothing and says BYE has gone where it was sent.
    if (isAccepted && !wasNotified) resolve({ type: 'connected' });
    else resolve(failed('cancelled', 'the caller hung up'));
  };
  signal.addEventListener('abort', abort, { once: true });
  leg.onTransferProgress = (progress) => {
    if (!isAccepted) return;
    wasNotified = true;
    note(progress.status);
    if (progress.isFinal) resolve(outcomeOf(progress));
  };
  leg.call?.transfer(target, [], (status) => {
    note(status);
    if (status < 300) isAccepted = true;
    else if (ABOUT_TARGET.has(status)) resolve(failed(transferFailureOf(status), wordsOf(status)));
    else resolve({ type: 'refused', status });
  });
  return promise.finally(() => {
    timer.cancel();
    leg.onTransferProgress = undefined;
    signal.removeEventListener('abort', abort);
  });
}

/** A subscription that ends without a final status (norefersub in all but name) says that the peer needs us no more. */
function outcomeOf({ status }: TransferProgress): TransferOutcome {
  return status < 300 ? { type: 'connected' } : failed(transferFailureOf(status), wordsOf(status));
}

function failed(reason: TransferFailure, detail: string): TransferOutcome {
  return { type: 'failed', reason, detail };
}
