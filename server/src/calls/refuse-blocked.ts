import type { Assistant } from '../core/assistant/assistant.ts';
import { maskNumber } from '../core/call/caller-number.ts';
import { comparableNumber } from '../core/deployment/deployment.ts';
import { AppError } from '../core/errors.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';

/** @throws AppError caller_blocked for a caller on the project's list; an anonymous one is on none. */
export function refuseBlocked(
  { log, metrics }: { readonly log: EventLog; readonly metrics: Metrics },
  { id: assistantId }: Assistant,
  blocked: ReadonlySet<string> | undefined,
  from: string | null,
): void {
  if (from === null || !blocked?.has(comparableNumber(from))) return;
  log.info('call.refused', { code: 'caller_blocked', assistantId, from: maskNumber(from) });
  metrics.count('calls_refused_total', { code: 'caller_blocked' });
  throw new AppError('caller_blocked');
}
