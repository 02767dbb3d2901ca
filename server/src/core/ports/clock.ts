/** A timer that was started; cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as an argument, so that a test never sleeps. */
export interface Clock {
  /** Milliseconds on a monotonic clock, fractions included: for durations and deadlines. */
  nowMs(): number;
  /** The wall clock: for records only. */
  date(): Date;
  /** Calls back once, not before `delayMs` from now. */
  after(delayMs: number, callback: () => void): Timer;
}
