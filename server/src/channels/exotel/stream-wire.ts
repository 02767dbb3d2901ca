import { decodeMulaw, encodeMulaw } from '../../audio/g711.ts';
import { LinearReader } from '../../audio/linear-reader.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { MediaSocket } from '../../core/ports/media-socket.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { EchoWatch } from '../../media/remote/echo-watch.ts';
import type { RemoteWire, RemoteWireRules } from '../../media/remote/remote-wire.ts';
import { clearMessage, markMessage, mediaMessage, streamKeys } from './stream-message.ts';
import type { WireFormat } from './wire-format.ts';

/** Payloads are whole multiples of it. Source: Exotel "Voicebot applet". */
const BLOCK_BYTES = 320;
const MOST_LEAD_MS = 400;
/** A mark this late has been lost; the last one of a reply is given longer. */
const LOST_ECHO_MS = 1_000;
const LOST_LAST_ECHO_MS = 2_000;
/** Once it is plain that no marks come back, audio counts as heard so long after its time by the clock. */
const ESTIMATE_MARGIN_MS = 40;
/** A peer that does not read: audio is dropped above this, and counted. */
const MOST_BUFFERED_BYTES = 256 * 1024;
/** The longest μ-law payload taken: two seconds. */
const MOST_MULAW_BYTES = 16_000;

/**
 * Blocks of 3,200 bytes, the first of a reply half as long; μ-law, which needs half the bytes, the same in time. Never more
 * than 400 ms ahead.
 */
export function exotelRules({ encoding, sampleRate }: WireFormat): RemoteWireRules {
  const blockSamples = encoding === 'mulaw' ? BLOCK_BYTES : BLOCK_BYTES / 2;
  const messageMs = sampleRate === 8_000 ? 200 : 100;
  const firstMessageMs = encoding === 'mulaw' ? 80 : messageMs / 2;
  const leadMs = MOST_LEAD_MS - messageMs;
  const roundTrip = { mostMs: 400, untilKnownMs: 100 };
  return {
    sampleRate,
    blockSamples,
    minMessageMs: messageMs,
    maxMessageMs: messageMs,
    firstMessageMs,
    leadMs,
    roundTrip,
  };
}

/** Reads the caller's payloads; the view is valid until the next call. */
export function payloadReader({ encoding }: WireFormat): (bytes: Uint8Array) => Int16Array {
  const reader = new LinearReader();
  if (encoding === 'linear') return (bytes) => reader.read(bytes);
  const samples = new Int16Array(MOST_MULAW_BYTES);
  return (bytes) => samples.subarray(0, decodeMulaw(bytes, samples));
}

export type StreamWireParts = {
  readonly socket: MediaSocket;
  readonly streamSid: string;
  readonly format: WireFormat;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly echoed: (id: string) => void;
  readonly hangUp: () => void;
};

export type StreamWire = RemoteWire & {
  /** A mark came back. */
  readonly markPlayed: (id: string) => void;
  readonly stop: () => void;
};

/** Exotel's buffer. A mark that does not come back, or a flow whose applet sends none back at all, does not hold up the call. */
export function streamWire(parts: StreamWireParts): StreamWire {
  const { socket, format, clock, metrics } = parts;
  const keys = streamKeys(parts.streamSid);
  let hasMarks: boolean | null = null;
  const watch = new EchoWatch({
    clock,
    marginMs: LOST_ECHO_MS,
    lastMarginMs: LOST_ECHO_MS,
    overdue: (id) => {
      if (hasMarks === null) watch.setMargin(ESTIMATE_MARGIN_MS, ESTIMATE_MARGIN_MS);
      if (hasMarks !== false) metrics.count('stream_lost_marks_total', { channel: 'exotel' });
      hasMarks ??= false;
      watch.echoed(id);
      parts.echoed(id);
    },
  });
  const payloadOf = (samples: Int16Array): Buffer => {
    if (format.encoding === 'linear') return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    const bytes = Buffer.allocUnsafe(samples.length);
    encodeMulaw(samples, bytes);
    return bytes;
  };
  return {
    sendAudio: (samples) => {
      watch.sent((samples.length * 1000) / format.sampleRate);
      if (socket.bufferedBytes > MOST_BUFFERED_BYTES) metrics.count('stream_dropped_total', { channel: 'exotel' });
      else socket.sendText(mediaMessage(keys, payloadOf(samples).toString('base64')));
    },
    sendMark: (id) => {
      socket.sendText(markMessage(keys, id));
      watch.mark(id);
    },
    sendClear: () => {
      socket.sendText(clearMessage(keys));
      watch.forget(true);
    },
    close: parts.hangUp,
    markPlayed: (id) => {
      if (!hasMarks) watch.setMargin(LOST_ECHO_MS, LOST_LAST_ECHO_MS);
      hasMarks = true;
      watch.echoed(id);
      parts.echoed(id);
    },
    stop: () => watch.stop(),
  };
}
