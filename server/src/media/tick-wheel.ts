import { FRAME_MS } from '../core/audio-frame.ts';

/** Whoever has a turn every 20 ms. */
export interface TickMember {
  tick(nowMs: number): void;
}

/** Later than this, missed turns are not made up for: a peer would hear a burst as loss. */
export const MAX_CATCH_UP_MS = 60;

/**
 * One clock for all calls: 20 slots of 1 ms, each with the members whose turn comes in that millisecond of every 20. Deadlines
 * are absolute, so nothing drifts: a late wake-up makes up for the turns it missed, or skips them beyond 60 ms.
 */
export class TickWheel {
  readonly #slots: TickMember[][] = Array.from({ length: FRAME_MS }, () => []);
  readonly #startMs: number;
  readonly #onTurn: (lateMs: number, members: number) => void;
  /** The last tick that was run. */
  #tick = 0;
  #size = 0;
  /** Turns that were left out. */
  skips = 0;

  /** @param onTurn told after each tick that had members, for the statistics. */
  constructor(startMs: number, onTurn: (lateMs: number, members: number) => void) {
    this.#startMs = startMs;
    this.#onTurn = onTurn;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes a member into the emptiest slot, the soonest of several. */
  add(member: TickMember, nowMs: number): void {
    if (this.#size === 0) this.#tick = this.#due(nowMs);
    let best = this.#slot(this.#tick + 1);
    for (let ahead = 2; ahead <= FRAME_MS && best.length > 0; ahead++) {
      const slot = this.#slot(this.#tick + ahead);
      if (slot.length < best.length) best = slot;
    }
    best.push(member);
    this.#size++;
  }

  /** Lets a member go, from within its own turn too. */
  remove(member: TickMember): void {
    for (const slot of this.#slots) {
      const at = slot.indexOf(member);
      if (at < 0) continue;
      slot.splice(at, 1);
      this.#size--;
      return;
    }
  }

  /** Runs all ticks that are due. */
  advanceTo(nowMs: number): void {
    const due = this.#due(nowMs);
    if (due - this.#tick > MAX_CATCH_UP_MS) this.#skipTo(due);
    while (this.#tick < due) {
      this.#tick++;
      const slot = this.#slot(this.#tick);
      if (slot.length === 0) continue;
      this.#onTurn(nowMs - (this.#startMs + this.#tick), slot.length);
      for (let index = slot.length - 1; index >= 0; index--) slot[index]?.tick(nowMs);
    }
  }

  /** When the next member's turn comes; null when there is none. */
  nextDueMs(): number | null {
    if (this.#size === 0) return null;
    let ahead = 1;
    while (this.#slot(this.#tick + ahead).length === 0) ahead++;
    return this.#startMs + this.#tick + ahead;
  }

  #due(nowMs: number): number {
    return Math.floor(nowMs - this.#startMs);
  }

  #slot(tick: number): TickMember[] {
    return this.#slots[tick % FRAME_MS] as TickMember[];
  }

  #skipTo(tick: number): void {
    while (this.#tick < tick) {
      this.#tick++;
      this.skips += this.#slot(this.#tick).length;
    }
  }
}
