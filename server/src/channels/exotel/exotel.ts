import type { Channel } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { exotelCredentialSchema } from './credential-schema.ts';
import { openExotelStream } from './media-stream.ts';

export type ExotelParts = { readonly clock: Clock; readonly log: EventLog; readonly metrics: Metrics };

/** Exotel: media by its Voicebot and Stream applets. */
export function createExotel(parts: ExotelParts): Channel {
  return {
    name: 'exotel',
    credentialSchema: exotelCredentialSchema,
    socket: (arrival, control) => openExotelStream(arrival, { ...parts, control }),
  };
}
