import type { Clock } from '@assistant/server/core/ports/clock';

/** The machine's own time, for tests that wait for a real process or socket. Timers do not keep the process alive. */
export const realClock: Clock = {
  nowMs: () => performance.now(),
  date: () => new Date(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
