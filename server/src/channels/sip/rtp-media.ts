import type { MediaWorker } from '../../media/media-worker.ts';
import { RTP_CODECS } from '../../media/rtp/payload-codec.ts';
import type { PortRange } from '../../media/rtp/port-pairs.ts';
import type { RtpMedia } from './ports.ts';

/** The media worker's RTP as calls over SIP use it. `bindHost` is SIP__SERVER. */
export function rtpMedia(
  worker: Pick<MediaWorker, 'openRtp'>,
  settings: { readonly bindHost: string; readonly ports: PortRange },
): RtpMedia {
  return {
    codecs: RTP_CODECS,
    open: async ({ contextId, closed }) => {
      const session = await worker.openRtp({ ...settings, contextId, onClosed: (end) => closed(end) });
      return {
        port: session.localPort,
        start: (agreed) => session.start(agreed),
        update: (agreed) => session.update(agreed),
        end: (end) => session.end(end),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}
