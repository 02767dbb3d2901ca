import { performance } from 'node:perf_hooks';

/** What has turns: the plane. */
export interface TurnTaker {
  /** How many members have a turn every 20 ms. */
  readonly size: number;
  advanceTo(nowMs: number): void;
  /** When `advanceTo` is needed next; null: not before something is told. */
  nextDueMs(): number | null;
}

/**
 * From so many members on, nearly every millisecond has somebody's turn: the thread then sleeps by itself between two turns. A
 * packet that comes meanwhile waits for at most a millisecond and wakes nobody, so those of a millisecond are read together, and
 * no turn waits for the event loop's timers, which are up to a millisecond late.
 */
const CROWD = 40;
/** The longest sleep: whatever else the thread is told waits as long. */
const LONGEST_SLEEP_MS = 1;

/** Wakes the media thread: by a timer while there is little to do, by a sleep of its own when there is much. */
export class TurnKeeper {
  readonly #taker: TurnTaker;
  readonly #pillow = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #timer: NodeJS.Timeout | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  readonly #onTimer = () => this.#wake();
  readonly #onImmediate = () => this.#sleepAndWake();

  constructor(taker: TurnTaker) {
    this.#taker = taker;
  }

  /** There is something to do or to tell in so many milliseconds at the latest. */
  within(delayMs: number): void {
    const atMs = performance.now() + delayMs;
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onTimer, delayMs);
  }

  /** No more turns by the clock. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** One wake-up for all calls; no timer at all while nothing is connected. */
  #wake(): void {
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#taker.advanceTo(performance.now());
    const dueMs = this.#taker.nextDueMs();
    if (dueMs === null) return;
    if (this.#taker.size < CROWD) this.within(Math.max(0, dueMs - performance.now()));
    else {
      clearTimeout(this.#timer);
      this.#wakeAtMs = Number.NEGATIVE_INFINITY;
      setImmediate(this.#onImmediate);
    }
  }

  /** The event loop has read what had come; before it reads again, the turn is waited for and taken. */
  #sleepAndWake(): void {
    const sleepMs = (this.#taker.nextDueMs() ?? 0) - performance.now();
    if (sleepMs > 0) Atomics.wait(this.#pillow, 0, 0, Math.min(sleepMs, LONGEST_SLEEP_MS));
    this.#wake();
  }
}
