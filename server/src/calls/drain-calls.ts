import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { LiveCalls } from './live-calls.ts';

export type DrainParts = { readonly liveCalls: LiveCalls; readonly clock: Clock; readonly log: EventLog };

/** A call that was told to end is given this long to close its media and write its last line. */
const LAST_WORDS_MS = 5_000;

/**
 * Lets live calls finish, then ends what is left as `drained`. New calls must be refused already.
 * Returns how many had to be ended.
 * @param graceMs how long calls may go on; `hurry` cuts it short.
 */
export async function drainCalls(parts: DrainParts, graceMs: number, hurry: Promise<void>): Promise<number> {
  const { liveCalls, log } = parts;
  if (liveCalls.size === 0) return 0;
  log.info('drain.waiting', { calls: liveCalls.size, graceMs });
  await within(parts.clock, graceMs, [liveCalls.allEnded(), hurry]);
  if (liveCalls.size === 0) return 0;
  const cut = liveCalls.size;
  log.warn('drain.ending_calls', { calls: cut });
  liveCalls.endAll('drained');
  await within(parts.clock, LAST_WORDS_MS, [liveCalls.allEnded()]);
  return cut;
}

/** Resolves with the first of these promises, or after the time. Leaves no timer behind. */
function within(clock: Clock, limitMs: number, promises: readonly Promise<void>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(limitMs, resolve);
  return Promise.race([promise, ...promises]).finally(() => timer.cancel());
}
