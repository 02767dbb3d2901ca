import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { LiveCalls } from './live-calls.ts';

export type DrainParts = { readonly liveCalls: LiveCalls; readonly clock: Clock; readonly log: EventLog };

/** A call that was told to end is given this long to close its media and write its last line. */
const LAST_WORDS_MS = 5_000;

/**
 * Lets live calls finish, then ends what is left as `drained`. New calls must be refused already.
 * @param graceMs how long calls may go on; `hurry` cuts it short.
 */
export async function drainCalls(parts: DrainParts, graceMs: number, hurry: Promise<void>): Promise<void> {
  const { liveCalls, log } = parts;
  if (liveCalls.size === 0) return;
  log.info('drain.waiting', { calls: liveCalls.size, graceMs });
  await Promise.race([liveCalls.allEnded(), timeout(parts.clock, graceMs, hurry)]);
  if (liveCalls.size === 0) return;
  log.warn('drain.ending_calls', { calls: liveCalls.size });
  liveCalls.endAll('drained');
  await Promise.race([liveCalls.allEnded(), timeout(parts.clock, LAST_WORDS_MS, null)]);
}

function timeout(clock: Clock, delayMs: number, hurry: Promise<void> | null): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(delayMs, resolve);
    hurry?.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
