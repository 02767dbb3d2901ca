import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/ports/clock.ts';

/** The result of `work`, unless it takes longer: then AppError database_unavailable, as nothing else here can hang. */
export function withDeadline<Result>(clock: Clock, limitMs: number, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () =>
      reject(new AppError('database_unavailable', { detail: `no answer within ${limitMs} ms`, retryAfterSeconds: 1 })),
    );
    const settle =
      <Value>(done: (value: Value) => void) =>
      (value: Value) => {
        timer.cancel();
        done(value);
      };
    work.then(settle(resolve), settle(reject));
  });
}
