import type { Clock, Timer } from '@assistant/server/core/ports/clock';

type Pending = { dueMs: number; order: number; callback: () => void };

/** A clock that moves only when told to; timers fire in order of their due time, then of their making. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  nowMs(): number {
    return this.#nowMs;
  }

  date(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#nowMs);
  }

  after(delayMs: number, callback: () => void): Timer {
    const pending = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** How many timers wait: zero after everything was closed. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Moves time on, firing what falls due, each at its own time. */
  advance(ms: number): void {
    const target = this.#nowMs + ms;
    for (let next = this.#next(target); next; next = this.#next(target)) {
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = target;
  }

  /** As `advance`, in steps, letting promises settle after each. */
  async run(ms: number, stepMs = 10): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.advance(Math.min(stepMs, left));
      await settle();
    }
  }

  #next(limitMs: number): Pending | undefined {
    let best: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.dueMs > limitMs) continue;
      if (!best || pending.dueMs < best.dueMs || (pending.dueMs === best.dueMs && pending.order < best.order))
        best = pending;
    }
    return best;
  }
}

/** Lets every promise that can settle without I/O or a timer settle. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise<void>((resolve) => setImmediate(resolve));
}
