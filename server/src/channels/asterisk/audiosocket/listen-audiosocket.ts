import { toAppError } from '../../../core/errors.ts';
import type { CallControl, OpenListener } from '../../../core/ports/channel.ts';
import type { EventLog } from '../../../core/ports/event-log.ts';
import type { MediaWorker } from '../../../media/media-worker.ts';

export type AudioSocketAddress = { readonly host: string; readonly port: number };

/**
 * Opens the AudioSocket port. Each peer that names its call is attached to it; one whose call is unknown, used or expired is
 * hung up at once (0x00, then FIN), so that the dialplan goes on. @throws AppError not_configured when the port is taken.
 */
export async function listenAudioSocket(
  worker: MediaWorker,
  address: AudioSocketAddress,
  control: CallControl,
  log: EventLog,
): Promise<OpenListener> {
  const listener = await worker.listenAudioSocket({
    ...address,
    onArrival: ({ contextId, remoteAddress, media }) => {
      control.attachMedia({ contextId, channel: 'asterisk', media }).catch((error: unknown) => {
        log.warn('audiosocket.refused', { contextId, remoteAddress, code: toAppError(error).code });
        media.close();
      });
    },
  });
  return {
    protocol: 'AudioSocket',
    address: listener.address,
    drain: () => listener.drain(),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}
