import type { Channel } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { vonageCallWebhook } from './call-webhook.ts';
import { vonageCredentialSchema } from './credential-schema.ts';
import { openVonageSocket } from './media-socket.ts';
import { vonageTransfer } from './transfer.ts';
import { vonageKnowsCall } from './vonage-api.ts';
import { vonageDialer } from './vonage-dialer.ts';

export type VonageParts = { readonly clock: Clock; readonly log: EventLog; readonly metrics: Metrics };

/** Vonage: phase 1 by webhook, signed where a secret is stored, media by WebSocket. */
export function createVonage(parts: VonageParts): Channel {
  return {
    name: 'vonage',
    credentialSchema: vonageCredentialSchema,
    webhook: vonageCallWebhook(),
    knowsCall: vonageKnowsCall,
    dialer: vonageDialer(),
    transfer: vonageTransfer(parts),
    socket: (arrival, control) => openVonageSocket(arrival, { ...parts, control }),
  };
}
