import type { Channel } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { twilioCallWebhook } from './call-webhook.ts';
import { twilioCredentialSchema } from './credential-schema.ts';
import { openMediaStream, streamScratch } from './media-stream.ts';
import { twilioTransfer } from './transfer.ts';
import { twilioDialer } from './twilio-dialer.ts';

export type TwilioParts = { readonly clock: Clock; readonly log: EventLog; readonly metrics: Metrics };

/** Twilio: phase 1 by signed webhook, media by Media Streams, calls placed over REST. */
export function createTwilio(parts: TwilioParts): Channel {
  const scratch = streamScratch();
  return {
    name: 'twilio',
    credentialSchema: twilioCredentialSchema,
    webhook: twilioCallWebhook,
    dialer: twilioDialer(),
    transfer: twilioTransfer(parts),
    socket: (arrival, control) => openMediaStream(arrival, { ...parts, scratch, control }),
  };
}
