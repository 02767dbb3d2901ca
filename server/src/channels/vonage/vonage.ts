import type { Channel } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { vonageCredentialSchema } from './credential-schema.ts';
import { openVonageSocket } from './media-socket.ts';

export type VonageParts = { readonly clock: Clock; readonly log: EventLog; readonly metrics: Metrics };

/** Vonage: media by WebSocket. */
export function createVonage(parts: VonageParts): Channel {
  return {
    name: 'vonage',
    credentialSchema: vonageCredentialSchema,
    socket: (arrival, control) => openVonageSocket(arrival, { ...parts, control }),
  };
}
