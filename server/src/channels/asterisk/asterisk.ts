import type { Channel } from '../../core/ports/channel.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { MediaWorker } from '../../media/media-worker.ts';
import type { AudioSocketAddress } from './audiosocket/listen-audiosocket.ts';
import { listenAudioSocket } from './audiosocket/listen-audiosocket.ts';
import { asteriskCallWebhook } from './call-webhook.ts';

export type AsteriskParts = {
  readonly worker: MediaWorker;
  readonly audioSocket: AudioSocketAddress;
  readonly log: EventLog;
};

/** Asterisk: phase 1 by CURL(), media by AudioSocket. */
export function createAsterisk(parts: AsteriskParts): Channel {
  return {
    name: 'asterisk',
    webhook: asteriskCallWebhook,
    listen: (control) => listenAudioSocket(parts.worker, parts.audioSocket, control, parts.log),
  };
}
