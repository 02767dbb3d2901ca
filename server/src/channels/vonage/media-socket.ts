import { LinearReader } from '../../audio/linear-reader.ts';
import type { CallControl } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { SocketArrival } from '../../core/ports/media-socket.ts';
import type { MediaCapabilities } from '../../core/ports/media-transport.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { RemoteTransport } from '../../media/remote/remote-transport.ts';
import type { RemoteWire, RemoteWireRules } from '../../media/remote/remote-wire.ts';
import { SocketSession } from '../../media/remote/socket-session.ts';
import { VONAGE_SAMPLE_RATE } from './ncco.ts';
import { CLEAR_MESSAGE, notifyMessage, parseSocketMessage, type SocketMessage } from './socket-message.ts';

const CAPABILITIES: MediaCapabilities = {
  clock: 'remote',
  maxLeadMs: 400,
  hasDtmfIn: true,
  hasDtmfOut: false,
  hasHold: false,
};

const FRAME_MS = 20;
/** Five messages in one write, with the notice behind them. */
const BURST_MS = 100;
const MOST_BUFFERED_BYTES = 256 * 1024;

/** Vonage takes exactly one 20 ms frame a message: 640 bytes at 16 kHz. Source: Vonage "WebSockets" guide. */
export function vonageRules(sampleRate: number): RemoteWireRules {
  const blockSamples = (sampleRate * FRAME_MS) / 1000;
  const roundTrip = { mostMs: 400, untilKnownMs: 200 };
  const messages = { minMessageMs: FRAME_MS, maxMessageMs: FRAME_MS, burstMs: BURST_MS };
  return { sampleRate, blockSamples, ...messages, leadMs: 200, roundTrip };
}

export type VonageSocketParts = {
  readonly control: CallControl;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Carries one Vonage WebSocket: linear PCM as binary, control as JSON, until either side closes it. */
export function openVonageSocket(arrival: SocketArrival, parts: VonageSocketParts): void {
  const session = new SocketSession({ ...parts, arrival, channel: 'vonage' });
  const reader = new LinearReader();
  const begin = (sampleRate: number): void => {
    if (session.transport) return;
    const wire = vonageWire(arrival, session, parts.metrics);
    const rules = vonageRules(sampleRate);
    session.begin(new RemoteTransport({ wire, rules, capabilities: CAPABILITIES, clock: parts.clock }));
  };
  const hear = (message: SocketMessage) => {
    switch (message.type) {
      case 'connected':
        return begin(message.sampleRate);
      case 'dtmf':
        return session.transport?.heardDigit(message.digit);
      case 'notify':
        return session.transport?.echoed(message.mark);
      case 'malformed':
        return parts.metrics.count('stream_malformed_total', { channel: 'vonage' });
      case 'cleared':
      case 'ignored':
        return;
    }
  };
  arrival.socket.listen({
    text: (message) => {
      session.alive();
      hear(parseSocketMessage(Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString()));
    },
    binary: (bytes) => {
      session.alive();
      begin(VONAGE_SAMPLE_RATE);
      session.transport?.heardAudio(reader.read(bytes));
    },
    // There is no stop message: the socket's close is the end of the call.
    closed: (code) => session.closed(code, code === 1000 || code === 1001),
  });
}

function vonageWire(arrival: SocketArrival, session: SocketSession, metrics: Metrics): RemoteWire {
  const { socket } = arrival;
  let seen: Int16Array | null = null;
  let bytes = new Uint8Array(0) as Uint8Array;
  return {
    sendAudio: (samples) => {
      if (socket.bufferedBytes > MOST_BUFFERED_BYTES)
        return metrics.count('stream_dropped_total', { channel: 'vonage' });
      // The same view comes again and again.
      if (samples !== seen) bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
      seen = samples;
      socket.sendBinary(bytes);
    },
    sendMark: (id) => socket.sendText(notifyMessage(id)),
    sendClear: () => socket.sendText(CLEAR_MESSAGE),
    close: () => session.hangUp(),
  };
}
