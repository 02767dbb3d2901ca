import type { ChannelName } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { maskNumber } from '../core/call/caller-number.ts';
import type { CallWebhook, IncomingCall, WebhookRequest } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';

/** A carrier's announcement of a call, as it came in. */
export type ReceiveCall = {
  readonly channel: ChannelName;
  readonly webhook: CallWebhook;
  /** As it stands in the path. */
  readonly assistantId: string;
  readonly request: WebhookRequest;
};

/** One whose parameters were read; `incoming` is null when they could not be. */
export type AnnouncedCall = ReceiveCall & { readonly incoming: IncomingCall | null };

export type AnnounceParts = {
  /** Called with each new context: the moment to warm what the call will need. */
  readonly opened: (context: CallContext) => void;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Tells log, metrics and whoever warms things that a call is there. */
export function announceCall({ opened, log, metrics }: AnnounceParts, context: CallContext, isNew: boolean): void {
  const { contextId, assistantId, channel } = context;
  log.info('call.received', { contextId, assistantId, channel, from: maskNumber(context.from), isNew });
  metrics.count('calls_received_total', { channel, repeated: String(!isNew) });
  if (isNew) opened(context);
}
