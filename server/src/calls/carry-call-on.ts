import type { ChannelName } from '../core/call/call.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { LiveCall, LiveCalls } from './live-calls.ts';

export type CarryCallOnParts = {
  readonly liveCalls: Pick<LiveCalls, 'carryOn'>;
  readonly clock: Clock;
  readonly log: EventLog;
};

/**
 * A caller was handed over, and talks with the target through this process: the call counts as live until they part, though its
 * record is closed.
 */
export function carryCallOn(parts: CarryCallOnParts, channel: ChannelName, call: LiveCall): void {
  const { liveCalls, clock, log } = parts;
  const { contextId } = call;
  const startedAtMs = clock.nowMs();
  log.info('call.carried_on', { contextId, channel });
  const over = () => {
    const seconds = Math.round((clock.nowMs() - startedAtMs) / 100) / 10;
    log.info('call.parted', { contextId, channel, seconds });
  };
  call.ended.then(over, over);
  liveCalls.carryOn(call);
}
