import type { Clock } from '@assistant/server/core/ports/clock';
import type { EventLog } from '@assistant/server/core/ports/event-log';
import type { Metrics } from '@assistant/server/core/ports/metrics';

/** The machine's own time. */
export const clock: Clock = {
  nowMs: () => performance.now(),
  date: () => new Date(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Says errors only, so that a bench prints JSON. */
export const log: EventLog = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (event, fields, error) => console.error(event, fields, error),
  with: () => log,
};

export const metrics: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };
