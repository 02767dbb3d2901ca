import { performance } from 'node:perf_hooks';

const TICK_MS = 20;
/** Missed ticks up to here are sent back to back, as a phone's jitter buffer takes them; beyond it they are left out. */
const MAX_CATCH_UP_MS = 60;

export type ClockFigures = { readonly ticks: number; readonly skipped: number; readonly worstLateMs: number };

/** An honest 20 ms clock: deadlines counted from its start, so it never drifts; what it missed is told, not hidden. */
export class FrameClock {
  readonly #onTick: (atMs: number) => void;
  readonly #startedAtMs = performance.now();
  #timer: NodeJS.Timeout;
  #ticks = 0;
  #skipped = 0;
  #worstLateMs = 0;
  #isStopped = false;

  constructor(onTick: (atMs: number) => void) {
    this.#onTick = onTick;
    this.#timer = setTimeout(() => this.#run(), TICK_MS);
  }

  get figures(): ClockFigures {
    return { ticks: this.#ticks, skipped: this.#skipped, worstLateMs: this.#worstLateMs };
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #run(): void {
    const now = performance.now();
    let deadline = this.#deadline();
    this.#worstLateMs = Math.max(this.#worstLateMs, now - deadline);
    while (now - deadline > MAX_CATCH_UP_MS) {
      this.#ticks++;
      this.#skipped++;
      deadline = this.#deadline();
    }
    while (deadline <= now && !this.#isStopped) {
      this.#ticks++;
      this.#onTick(now);
      deadline = this.#deadline();
    }
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#run(), Math.max(1, deadline - performance.now()));
  }

  #deadline(): number {
    return this.#startedAtMs + (this.#ticks + 1) * TICK_MS;
  }
}
