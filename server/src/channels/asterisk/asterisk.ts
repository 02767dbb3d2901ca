import type { Channel } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import type { MediaWorker } from '../../media/media-worker.ts';
import { ariDialer } from './ari/ari-dialer.ts';
import type { AudioSocketAddress } from './audiosocket/listen-audiosocket.ts';
import { listenAudioSocket } from './audiosocket/listen-audiosocket.ts';
import { asteriskCallWebhook } from './call-webhook.ts';
import { asteriskCredentialSchema, asteriskSettingsSchema } from './credential-schema.ts';
import { openAsteriskSocket } from './websocket/media-socket.ts';

export type AsteriskParts = {
  readonly worker: MediaWorker;
  readonly audioSocket: AudioSocketAddress;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Asterisk: phase 1 by CURL(), media by AudioSocket or by chan_websocket. */
export function createAsterisk(parts: AsteriskParts): Channel {
  return {
    name: 'asterisk',
    credentialSchema: asteriskCredentialSchema,
    settingsSchema: asteriskSettingsSchema,
    webhook: asteriskCallWebhook,
    dialer: ariDialer,
    socket: (arrival, control) => openAsteriskSocket(arrival, { ...parts, control }),
    unnamedSocket: (arrival, control) => openAsteriskSocket(arrival, { ...parts, control }),
    listen: (control) => listenAudioSocket(parts.worker, parts.audioSocket, control, parts.log),
  };
}
