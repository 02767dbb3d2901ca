import type { Clock } from '../../../core/ports/clock.ts';
import type { MediaSocket } from '../../../core/ports/media-socket.ts';
import type { MediaCapabilities } from '../../../core/ports/media-transport.ts';
import { EchoWatch } from '../../../media/remote/echo-watch.ts';
import type { RemoteWire, RemoteWireRules } from '../../../media/remote/remote-wire.ts';
import type { MediaFormat } from './media-format.ts';

/** A peer that can clear nothing gets no more than three frames ahead. */
export const BARE_RULES: RemoteWireRules = {
  sampleRate: 8_000,
  blockSamples: 160,
  minMessageMs: 20,
  maxMessageMs: 20,
  leadMs: 60,
};

export const BARE_CAPABILITIES: MediaCapabilities = {
  clock: 'remote',
  maxLeadMs: 80,
  hasDtmfIn: false,
  hasDtmfOut: false,
  hasHold: false,
};

/** A frame counts as played this long after its time. */
const MARGIN_MS = 20;

export type BareWireParts = {
  readonly socket: MediaSocket;
  readonly format: MediaFormat;
  readonly clock: Clock;
  readonly echoed: (id: string) => void;
  readonly hangUp: () => void;
};

export type BareWire = RemoteWire & { readonly stop: () => void };

/**
 * The wire of a peer that sends nothing but μ-law, as the manual's `WebSocket(wss://…)` line implies: no MEDIA_START, so no
 * commands and no marks either. What was sent counts as played in real time.
 */
export function bareWire(parts: BareWireParts): BareWire {
  const { socket, format, clock, echoed, hangUp } = parts;
  const watch = new EchoWatch({
    clock,
    marginMs: MARGIN_MS,
    lastMarginMs: MARGIN_MS,
    overdue: (id) => {
      watch.echoed(id);
      echoed(id);
    },
  });
  return {
    sendAudio: (samples) => {
      socket.sendBinary(format.encode(samples));
      watch.sent((samples.length * 1000) / format.sampleRate);
    },
    sendMark: (id) => watch.mark(id),
    // What was sent is played all the same.
    sendClear: () => watch.forget(false),
    close: hangUp,
    stop: () => watch.stop(),
  };
}
