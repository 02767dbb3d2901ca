import type { EndReason } from '../core/call/call.ts';
import type { ClaimedContext } from '../core/call/call-context.ts';
import type { ContextId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { CallJournal } from './call-journal.ts';
import type { LiveCalls } from './live-calls.ts';

export type HeldCallsParts = {
  readonly liveCalls: Pick<LiveCalls, 'reserve'>;
  readonly calls: Pick<CallRepository, 'end'>;
  readonly journal: Pick<CallJournal, 'end'>;
};

type HeldCall = { readonly context: ClaimedContext; readonly slot: Disposable };

/**
 * Calls of our own listeners from their opening until their media is there. Nobody else can take them, so the row that opens
 * them claims them too: that is a write and a wait for the disk less for each call.
 */
export class HeldCalls {
  readonly #parts: HeldCallsParts;
  readonly #held = new Map<ContextId, HeldCall>();

  constructor(parts: HeldCallsParts) {
    this.#parts = parts;
  }

  /** A place among the live calls; whoever took it gives it back, unless it is handed to `hold`. @throws AppError draining, over_capacity. */
  reserve(): Disposable {
    return this.#parts.liveCalls.reserve();
  }

  hold(context: ClaimedContext, slot: Disposable): void {
    this.#held.set(context.contextId, { context, slot });
  }

  /** Hands a call over, with the place it has; undefined for one that is not held here. */
  take(contextId: ContextId): HeldCall | undefined {
    const held = this.#held.get(contextId);
    this.#held.delete(contextId);
    return held;
  }

  /** Ends a call whose media never came; false for one that is not held here. While the database is away the journal remembers it. */
  async end(contextId: ContextId, reason: EndReason): Promise<boolean> {
    using slot = this.take(contextId)?.slot;
    if (!slot) return false;
    const { calls, journal } = this.#parts;
    await calls.end(contextId, reason, { wasAnswered: false }).catch(() => {
      journal.end(contextId, reason).catch(() => undefined);
    });
    return true;
  }
}
