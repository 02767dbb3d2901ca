import type { EndReason } from '../../core/call/call.ts';
import { toAppError } from '../../core/errors.ts';
import type { ContextId } from '../../core/ids.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { DialOrder, DialOutcome } from '../../core/ports/dialer.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import type { MediaWithInfoDigits } from './digit-sources.ts';
import { OutboundLeg, type OutboundLegParts } from './outbound-leg.ts';
import { endReasonOf, isRetryable, type Refusal } from './outbound-refusal.ts';
import type { Route } from './outbound-route.ts';
import type { SipCalls } from './ports.ts';

export type OutboundCallParts = OutboundLegParts & {
  readonly calls: Pick<SipCalls, 'attach' | 'end'>;
  readonly clock: Clock;
  readonly metrics: Metrics;
};

/** A proxy says 100 at once, and knows only later that nobody is to be had: by then it counts as placed. */
const PLACED_AFTER_TRYING_MS = 2_000;

/**
 * A call that was ordered: tells whether it was placed, brings its media to the conversation, and ends its context where no
 * conversation does.
 */
export class OutboundCall {
  readonly contextId: ContextId;
  readonly leg: OutboundLeg;
  readonly #parts: OutboundCallParts;
  readonly #maxDurationMs: number;
  readonly #outcome = Promise.withResolvers<DialOutcome>();
  #isSettled = false;
  #isOwned = false;
  #isContextEnded = false;
  #timer: Timer | undefined;

  /** `onOver` comes once, last. */
  constructor(parts: OutboundCallParts, order: DialOrder, route: Route, onOver: () => void) {
    const { contextId, ringTimeoutSeconds, maxDurationSeconds } = order;
    this.contextId = contextId;
    this.#parts = parts;
    this.#maxDurationMs = maxDurationSeconds * 1000;
    const plan = { route, contextId, ringTimeoutMs: ringTimeoutSeconds * 1000 };
    this.leg = new OutboundLeg(parts, plan, {
      trying: () => {
        this.#timer = parts.clock.after(PLACED_AFTER_TRYING_MS, () => this.#settle(this.#placed));
      },
      ringing: () => this.#settle(this.#placed),
      answered: (media) => this.#attach(media),
      refused: (refusal) => {
        this.#refused(refusal);
        onOver();
      },
      over: () => {
        this.#timer?.cancel();
        if (!this.#isOwned) this.#end('error');
        onOver();
      },
    });
  }

  /** The Call-ID, once there is one. */
  get providerCallId(): string {
    return this.leg.callId ?? this.contextId;
  }

  /** Sends it; resolves once somebody has it or refuses it. Aborted, it is taken back, and was not placed. */
  dial(signal: AbortSignal): Promise<DialOutcome> {
    const abort = () => {
      this.#settle(refused(true, null, 'nobody answered in time'));
      this.#isContextEnded = true;
      this.leg.hangUp();
    };
    signal.addEventListener('abort', abort, { once: true });
    void this.leg.open();
    if (signal.aborted) abort();
    return this.#outcome.promise.finally(() => signal.removeEventListener('abort', abort));
  }

  /** Ends a call that nobody has answered yet; an answered one is the conversation's. */
  cancel(reason: EndReason): void {
    if (this.#isOwned) return;
    this.#end(reason);
    this.leg.hangUp();
  }

  /** Its record says already that it is over. */
  forget(): void {
    if (this.#isOwned) return;
    this.#isContextEnded = true;
    this.leg.hangUp();
  }

  get #placed(): DialOutcome {
    return { type: 'placed', providerCallId: this.providerCallId };
  }

  #settle(outcome: DialOutcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#timer?.cancel();
    this.#outcome.resolve(outcome);
  }

  #refused(refusal: Refusal): void {
    this.#timer?.cancel();
    const { contextId } = this;
    const { log, metrics } = this.#parts;
    const { status, detail } = refusal;
    const reason = endReasonOf(refusal);
    log.info('sip.outbound_refused', { contextId, status, reason, detail });
    metrics.count('sip_outbound_refused_total', { reason });
    if (!this.#isSettled && reason === 'carrier_failed')
      this.#settle(refused(isRetryable(refusal), refusal.retryAfterSeconds, detail));
    else {
      this.#settle(this.#placed);
      this.#end(reason);
    }
  }

  #attach(media: MediaWithInfoDigits): void {
    const { calls, log, clock } = this.#parts;
    const { contextId } = this;
    this.#settle(this.#placed);
    this.#isOwned = true;
    calls.attach(contextId, media).then(
      () => {
        if (this.leg.isOver) return;
        this.#timer = clock.after(this.#maxDurationMs, () => this.#endNow('max_duration'));
      },
      (error: unknown) => {
        const { code } = toAppError(error);
        log.warn('sip.attach_failed', { contextId, code });
        // Its record is closed, or somebody else's: nothing is to be written.
        if (code === 'context_expired' || code === 'context_claimed') this.#isContextEnded = true;
        this.#isOwned = false;
        this.#end(code === 'draining' ? 'drained' : code === 'over_capacity' ? 'over_capacity' : 'error');
        media.close();
        this.leg.hangUp();
      },
    );
  }

  /** Once. */
  #end(reason: EndReason): void {
    if (this.#isContextEnded) return;
    this.#isContextEnded = true;
    this.#endNow(reason);
  }

  #endNow(reason: EndReason): void {
    const { calls, log } = this.#parts;
    const { contextId } = this;
    calls.end(contextId, reason).catch((error: unknown) => {
      log.error('sip.context_not_ended', { contextId, reason }, error);
    });
  }
}

function refused(canRetry: boolean, retryAfterSeconds: number | null, detail: string): DialOutcome {
  return { type: 'refused', isRetryable: canRetry, retryAfterSeconds, detail };
}
