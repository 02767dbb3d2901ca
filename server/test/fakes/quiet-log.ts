import type { EventLog } from '../../src/core/ports/event-log.ts';

/** A log that nobody reads. */
export const quietLog: EventLog = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => quietLog,
};
