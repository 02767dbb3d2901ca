import { decodeBase64Mulaw, encodeBase64Mulaw } from '../../audio/base64-mulaw.ts';
import type { CallControl } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { SocketArrival } from '../../core/ports/media-socket.ts';
import type { MediaCapabilities } from '../../core/ports/media-transport.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { RemoteTransport } from '../../media/remote/remote-transport.ts';
import type { RemoteWire, RemoteWireRules } from '../../media/remote/remote-wire.ts';
import { CLOSE, SocketSession } from '../../media/remote/socket-session.ts';
import { clearMessage, markMessage, mediaEnds, parseStreamMessage, type StreamMessage } from './stream-message.ts';

/** μ-law at 8 kHz, any length; our lead is short so that a barge-in has little to clear. Source: Twilio "Media Streams". */
export const TWILIO_RULES: RemoteWireRules = {
  sampleRate: 8_000,
  blockSamples: 1,
  minMessageMs: 0,
  maxMessageMs: 100,
  leadMs: 200,
  roundTrip: { mostMs: 400, untilKnownMs: 200 },
};

const CAPABILITIES: MediaCapabilities = {
  clock: 'remote',
  maxLeadMs: 400,
  hasDtmfIn: true,
  hasDtmfOut: false,
  hasHold: false,
};

/** The longest payload taken: one second. */
const MOST_SAMPLES = 8_000;
/** What stands around the base64: the names, and an id of 34 characters. */
const MOST_AROUND_BYTES = 1024;
/** A peer that does not read: audio is dropped above this, and counted. */
const MOST_BUFFERED_BYTES = 64 * 1024;

/** Memory that all streams of a process use in turn: each message is read, or written, before the next. */
export type StreamScratch = { readonly samples: Int16Array; readonly text: Buffer };

export function streamScratch(): StreamScratch {
  const base64Bytes = Math.ceil(MOST_SAMPLES / 3) * 4;
  return { samples: new Int16Array(MOST_SAMPLES), text: Buffer.alloc(base64Bytes + MOST_AROUND_BYTES) };
}

export type MediaStreamParts = {
  readonly scratch: StreamScratch;
  readonly control: CallControl;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Carries one Media Stream: JSON text both ways, until either side closes it. */
export function openMediaStream(arrival: SocketArrival, parts: MediaStreamParts): void {
  const session = new SocketSession({ ...parts, arrival, channel: 'twilio' });
  const { samples } = parts.scratch;
  let sequence = 0;
  // Most messages are as long as the one before.
  let heard = samples.subarray(0, 0);
  let isStopped = false;
  const decode = (text: Uint8Array, from: number, to: number) => decodeBase64Mulaw(text, from, to, samples);
  const begin = (streamSid: string) => {
    const wire = twilioWire(streamSid, arrival, session, parts);
    const { clock } = parts;
    session.begin(new RemoteTransport({ wire, rules: TWILIO_RULES, capabilities: CAPABILITIES, clock }));
  };
  const hear = (message: StreamMessage) => {
    switch (message.type) {
      case 'start':
        return begin(message.streamSid);
      case 'media':
        if (sequence !== 0 && message.sequence > sequence + 1)
          parts.metrics.count('stream_gaps_total', { channel: 'twilio' });
        sequence = message.sequence;
        if (heard.length !== message.samples) heard = samples.subarray(0, message.samples);
        return session.transport?.heardAudio(heard);
      case 'dtmf':
        return session.transport?.heardDigit(message.digit);
      case 'mark':
        return session.transport?.echoed(message.name);
      case 'stop':
        isStopped = true;
        return session.refuse(CLOSE.normal, '');
      case 'malformed':
        return parts.metrics.count('stream_malformed_total', { channel: 'twilio' });
      case 'ignored':
        return;
    }
  };
  arrival.socket.listen({
    text: (message) => {
      session.alive();
      hear(parseStreamMessage(asBuffer(message), decode));
    },
    binary: () => parts.metrics.count('stream_malformed_total', { channel: 'twilio' }),
    closed: (code) => {
      if (isStopped) session.transport?.finish({ type: 'peer_closed' });
      session.closed(code, isStopped);
    },
  });
}

function twilioWire(
  streamSid: string,
  arrival: SocketArrival,
  session: SocketSession,
  parts: MediaStreamParts,
): RemoteWire {
  const { socket } = arrival;
  const { text } = parts.scratch;
  const { head, tail } = mediaEnds(streamSid);
  const { metrics } = parts;
  return {
    sendAudio: (samples) => {
      if (socket.bufferedBytes > MOST_BUFFERED_BYTES)
        return metrics.count('stream_dropped_total', { channel: 'twilio' });
      text.set(head, 0);
      const end = encodeBase64Mulaw(samples, text, head.length);
      text.set(tail, end);
      socket.sendText(text.subarray(0, end + tail.length));
    },
    sendMark: (id) => socket.sendText(markMessage(streamSid, id)),
    sendClear: () => socket.sendText(clearMessage(streamSid)),
    close: () => session.hangUp(),
  };
}

function asBuffer(view: Uint8Array): Buffer {
  return Buffer.isBuffer(view) ? view : Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
