import type { ChannelName } from '../core/call/call.ts';
import type { CallWebhook, IncomingCall, WebhookRequest } from '../core/ports/channel.ts';

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
