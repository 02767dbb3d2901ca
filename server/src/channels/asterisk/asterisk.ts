import type { Channel } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import type { Random } from '../../core/ports/random.ts';
import type { MediaWorker } from '../../media/media-worker.ts';
import { ariDialer } from './ari/ari-dialer.ts';
import { ariHolds } from './ari/ari-holds.ts';
import { ariKeys } from './ari/ari-keys.ts';
import { AriLinks } from './ari/ari-links.ts';
import { ariTransfer } from './ari/ari-transfer.ts';
import { watchCalls } from './ari/watch-calls.ts';
import type { AudioSocketAddress } from './audiosocket/listen-audiosocket.ts';
import { listenAudioSocket } from './audiosocket/listen-audiosocket.ts';
import { asteriskCallWebhook } from './call-webhook.ts';
import { asteriskCredentialSchema, asteriskSettingsSchema } from './credential-schema.ts';
import { openAsteriskSocket } from './websocket/media-socket.ts';

export type AsteriskParts = {
  readonly worker: MediaWorker;
  readonly audioSocket: AudioSocketAddress;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Asterisk: phase 1 by CURL(), media by AudioSocket or by chan_websocket, everything else over ARI. */
export function createAsterisk(parts: AsteriskParts): Channel {
  const links = new AriLinks(parts);
  return {
    name: 'asterisk',
    credentialSchema: asteriskCredentialSchema,
    settingsSchema: asteriskSettingsSchema,
    webhook: asteriskCallWebhook,
    dialer: ariDialer(links),
    transfer: ariTransfer({ ...parts, links }),
    keys: ariKeys({ ...parts, links }),
    holds: ariHolds({ ...parts, links }),
    watch: (watch) => watchCalls({ ...parts, links, watch }),
    socket: (arrival, control) => openAsteriskSocket(arrival, { ...parts, control }),
    unnamedSocket: (arrival, control) => openAsteriskSocket(arrival, { ...parts, control }),
    listen: (control) => listenAudioSocket(parts.worker, parts.audioSocket, control, parts.log),
  };
}
