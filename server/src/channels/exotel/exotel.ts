import type { Channel } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { exotelCallWebhook } from './call-webhook.ts';
import { exotelCredentialSchema, exotelSettingsSchema } from './credential-schema.ts';
import { exotelDialer } from './dialer.ts';
import { exotelKnowsCall } from './exotel-api.ts';
import { openExotelStream } from './media-stream.ts';
import { exotelTransfer } from './transfer.ts';

export type ExotelParts = { readonly clock: Clock; readonly log: EventLog; readonly metrics: Metrics };

/** Exotel: phase 1 by dynamic URL or passthru, media by its Voicebot and Stream applets, calls placed over REST. */
export function createExotel(parts: ExotelParts): Channel {
  return {
    name: 'exotel',
    credentialSchema: exotelCredentialSchema,
    settingsSchema: exotelSettingsSchema,
    webhook: exotelCallWebhook,
    knowsCall: exotelKnowsCall,
    transfer: exotelTransfer,
    dialer: exotelDialer({ nowMs: () => parts.clock.date().getTime() }),
    socket: (arrival, control) => openExotelStream(arrival, { ...parts, control }),
  };
}
