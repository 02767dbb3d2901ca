import type { Clock, Timer } from '../core/ports/clock.ts';

/** The longest delay Node's timers take (2^31 - 1 ms, 24.8 days); a longer one would fire at once. */
const LONGEST_DELAY_MS = 2_147_483_647;

/** The clocks of this machine. Timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  date: () => new Date(),
  after: (delayMs, callback): Timer => {
    const dueMs = performance.now() + delayMs;
    // Node counts whole milliseconds and may wake a fraction early: then the rest is waited for.
    const wake = () => {
      if (performance.now() < dueMs) timer = sleepUntil(dueMs, wake);
      else callback();
    };
    let timer = sleepUntil(dueMs, wake);
    return { cancel: () => clearTimeout(timer) };
  },
};

function sleepUntil(dueMs: number, wake: () => void): NodeJS.Timeout {
  const leftMs = Math.max(0, Math.ceil(dueMs - performance.now()));
  return setTimeout(wake, Math.min(leftMs, LONGEST_DELAY_MS));
}
