import type { Channel } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { twilioCredentialSchema } from './credential-schema.ts';
import { openMediaStream } from './media-stream.ts';

export type TwilioParts = { readonly clock: Clock; readonly log: EventLog; readonly metrics: Metrics };

/** Twilio: media by Media Streams. */
export function createTwilio(parts: TwilioParts): Channel {
  return {
    name: 'twilio',
    credentialSchema: twilioCredentialSchema,
    socket: (arrival, control) => openMediaStream(arrival, { ...parts, control }),
  };
}
