import type { EndReason } from '../core/call/call.ts';
import { AppError } from '../core/errors.ts';
import type { ContextId } from '../core/ids.ts';
import type { Metrics } from '../core/ports/metrics.ts';

/** A call that is being held by this process. */
export type LiveCall = {
  readonly contextId: ContextId;
  /** Asks the conversation to end; idempotent. */
  end(reason: EndReason): void;
  /** Resolves once the media is closed and the last record is queued. */
  readonly ended: Promise<unknown>;
};

const RETRY_AFTER_SECONDS = 5;
const MOST_ENDINGS = 1_000;

/** The calls this process holds, how many it may hold, and whether it still takes new ones. */
export class LiveCalls {
  readonly #calls = new Map<ContextId, LiveCall>();
  /** Of calls that are being set up. */
  readonly #endings = new Map<ContextId, EndReason>();
  readonly #capacity: number;
  readonly #metrics: Metrics;
  #reserved = 0;
  #isDraining = false;

  constructor(capacity: number, metrics: Metrics) {
    this.#capacity = capacity;
    this.#metrics = metrics;
    this.#tell();
  }

  get size(): number {
    return this.#calls.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** @throws AppError draining or over_capacity: answered before any work is done. */
  admit(): void {
    if (this.#isDraining) throw new AppError('draining', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    if (this.#calls.size + this.#reserved >= this.#capacity) {
      throw new AppError('over_capacity', {
        detail: `${this.#capacity} calls are live`,
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
  }

  /** Holds a slot while a call is being set up. @throws AppError as `admit`. */
  reserve(): Disposable {
    this.admit();
    this.#reserved++;
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#reserved--;
        isHeld = false;
        if (this.#reserved === 0) this.#endings.clear();
      },
    };
  }

  add(call: LiveCall): void {
    this.#calls.set(call.contextId, call);
    this.#tell();
    const ending = this.#endings.get(call.contextId);
    this.#endings.delete(call.contextId);
    if (ending) call.end(ending);
    const remove = () => {
      if (this.#calls.get(call.contextId) !== call) return;
      this.#calls.delete(call.contextId);
      this.#tell();
    };
    call.ended.then(remove, remove);
  }

  /**
   * Adds what a call goes on as when its conversation leaves, joined with somebody else through this process: it keeps the slot
   * of its conversation, ends with it when told to, and is over when both are. Taken in a drain as well.
   */
  carryOn(call: LiveCall): void {
    const { contextId } = call;
    const before = this.#calls.get(contextId);
    this.add({
      contextId,
      end: (reason) => {
        before?.end(reason);
        call.end(reason);
      },
      ended: Promise.allSettled([before?.ended, call.ended]),
    });
  }

  find(contextId: ContextId): LiveCall | undefined {
    return this.#calls.get(contextId);
  }

  /** Ends a call held here; one that is just being set up ends as soon as it is. Others are remembered in vain, and forgotten. */
  end(contextId: ContextId, reason: EndReason): void {
    const call = this.#calls.get(contextId);
    if (call) call.end(reason);
    if (call || this.#reserved === 0) return;
    this.#endings.set(contextId, reason);
    const [oldest] = this.#endings.keys();
    if (this.#endings.size > MOST_ENDINGS && oldest !== undefined) this.#endings.delete(oldest);
  }

  /** No new calls from now on. */
  drain(): void {
    this.#isDraining = true;
  }

  endAll(reason: EndReason): void {
    for (const call of this.#calls.values()) call.end(reason);
  }

  /** Resolves when no call is left. */
  async allEnded(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled(Array.from(this.#calls.values(), (call) => call.ended));
  }

  #tell(): void {
    this.#metrics.gauge('calls_active', this.#calls.size);
  }
}
