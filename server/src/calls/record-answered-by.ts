import type { EndReason } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { ContextId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { AnsweredBy } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { OutboundRepository } from '../core/ports/outbound-repository.ts';

export type AnsweredByParts = {
  readonly calls: Pick<CallRepository, 'note'>;
  readonly outbound: Pick<OutboundRepository, 'optionsOf'>;
  readonly endCall: (contextId: ContextId, reason: EndReason) => Promise<void>;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Who the carrier heard at the other end: written down, and a machine hung up on where that was wished. A repeated word changes nothing. */
export async function recordAnsweredBy(
  { calls, outbound, endCall, log, metrics }: AnsweredByParts,
  { contextId, channel }: CallContext,
  { who, word }: AnsweredBy,
): Promise<void> {
  if (!(await calls.note(contextId, { type: 'answered_by', data: { who, word } }))) return;
  log.info('call.answered_by', { contextId, channel, who });
  metrics.count('calls_answered_by_total', { channel, who });
  if (who !== 'machine' && who !== 'fax') return;
  const options = await outbound.optionsOf(contextId);
  if (options?.machineAction === 'hangup') await endCall(contextId, 'machine');
}
