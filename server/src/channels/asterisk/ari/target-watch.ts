import type { TransferFailure } from '../../../core/call/transfer.ts';
import type { TransferOutcome } from '../../../core/ports/call-transfer.ts';
import type { Clock, Timer } from '../../../core/ports/clock.ts';
import type { AriEvent } from './ari-event.ts';
import type { AriLink } from './ari-link.ts';
import { transferFailureOf } from './call-outcome.ts';

export type TargetWatchParts = {
  readonly link: AriLink;
  readonly clock: Clock;
  /** Of the channel that is dialled. */
  readonly targetId: string;
  readonly callerId: string;
  readonly ringTimeoutMs: number;
};

/** Asterisk gives up by itself; this is for one that is gone. */
const RING_GRACE_MS = 5_000;
/** The dialplan bridges within milliseconds, or its context for transfers is missing. */
const BRIDGE_LIMIT_MS = 2_000;
const HANG_UP_LIMIT_MS = 10_000;
const ASK_LIMIT_MS = 2_000;

/** Follows the channel to which a caller is handed over until it is known what became of it. */
export class TargetWatch {
  readonly outcome: Promise<TransferOutcome>;
  readonly #parts: TargetWatchParts;
  readonly #unsubscribe: () => void;
  #resolve: (outcome: TransferOutcome) => void = () => {};
  #timer: Timer;
  #dialStatus = '';
  #isAnswered = false;

  constructor(parts: TargetWatchParts) {
    this.#parts = parts;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#unsubscribe = parts.link.subscribe({
      event: (event) => this.#heard(event),
      opened: () => void this.#look(),
    });
    this.#timer = parts.clock.after(parts.ringTimeoutMs + RING_GRACE_MS, () => {
      this.hangUp();
      this.#fail('no_answer', 'nobody answered in time');
    });
  }

  /**
   * Our media leg ended, or the transfer is not wanted any more. The dialplan's `Bridge()` ends the leg as well, often before any
   * event told that the other side answered: so it is asked, and hung up only when it still rings.
   */
  async takeBack(): Promise<void> {
    if (this.#isAnswered) return;
    const { link, targetId } = this.#parts;
    const target = await link.client.channel(targetId, AbortSignal.timeout(ASK_LIMIT_MS)).catch(() => null);
    if (this.#isAnswered) return;
    if (target?.state === 'Up') return this.#answered();
    this.hangUp();
    this.#fail('cancelled', 'it was taken back');
  }

  /** In the background: one that cannot be told rings until its time is up. */
  hangUp(): void {
    const { link, targetId } = this.#parts;
    link.client.hangUp(targetId, 'normal', AbortSignal.timeout(HANG_UP_LIMIT_MS)).catch(() => undefined);
  }

  stop(): void {
    this.#unsubscribe();
    this.#timer.cancel();
  }

  #heard(event: AriEvent): void {
    const { targetId, callerId } = this.#parts;
    if (event.type === 'entered_bridge') {
      if (event.inBridge.includes(targetId) && event.inBridge.includes(callerId)) this.#resolve({ type: 'connected' });
      return;
    }
    if (event.channelId === callerId && event.type === 'destroyed') {
      this.hangUp();
      this.#fail('cancelled', 'the caller hung up');
      return;
    }
    if (event.channelId !== targetId) return;
    if (event.type === 'destroyed') this.#gone(event.cause);
    else if (event.type === 'state' && event.state === 'Up') this.#answered();
    else if (event.type === 'dial') this.#dialled(event.status);
  }

  #dialled(status: string): void {
    this.#dialStatus = status;
    if (status === 'ANSWER') this.#answered();
  }

  #answered(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#timer.cancel();
    this.#timer = this.#parts.clock.after(BRIDGE_LIMIT_MS, () => void this.#lookForBridge());
  }

  #gone(cause: number): void {
    if (this.#isAnswered)
      this.#fail('unreachable', 'it was answered, but the dialplan did not bridge it to the caller');
    else {
      const reason = transferFailureOf({ isAnswered: false, dialStatus: this.#dialStatus, cause });
      this.#fail(reason, `Asterisk ended it with cause ${cause}`);
    }
  }

  /** Events were missed: what is the matter now is asked for. */
  async #look(): Promise<void> {
    const { link, targetId } = this.#parts;
    try {
      const target = await link.client.channel(targetId, AbortSignal.timeout(ASK_LIMIT_MS));
      if (target === null) this.#fail('no_answer', 'it ended while Asterisk was away');
      else if (target.state === 'Up') this.#answered();
    } catch {
      // The ringing time runs on.
    }
  }

  /** No event told of the bridge: the channel itself does. */
  async #lookForBridge(): Promise<void> {
    const { link, targetId } = this.#parts;
    const signal = AbortSignal.timeout(ASK_LIMIT_MS);
    const target = await link.client.channel(targetId, signal).catch(() => null);
    if (target?.application === 'Bridge') this.#resolve({ type: 'connected' });
    else {
      this.hangUp();
      this.#fail('unreachable', 'it was answered, but the dialplan did not bridge it to the caller');
    }
  }

  #fail(reason: TransferFailure, detail: string): void {
    this.#resolve({ type: 'failed', reason, detail });
  }
}
