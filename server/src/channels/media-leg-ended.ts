import type { Clock } from '../core/ports/clock.ts';

/** Resolves once `signal` says that our media leg has ended, or after `limitMs`. */
export function mediaLegEnded(signal: AbortSignal, clock: Clock, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = clock.after(limitMs, resolve);
    signal.addEventListener('abort', () => {
      timer.cancel();
      resolve();
    });
  });
}
