import type { CallControl } from '../../core/ports/channel.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { MediaSocketListener, SocketArrival } from '../../core/ports/media-socket.ts';
import type { MediaCapabilities } from '../../core/ports/media-transport.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { RemoteTransport } from '../../media/remote/remote-transport.ts';
import { CLOSE, SocketSession } from '../../media/remote/socket-session.ts';
import { parseStreamMessage, type StreamMessage } from './stream-message.ts';
import { exotelRules, payloadReader, type StreamWire, streamWire } from './stream-wire.ts';
import { FormatEvidence, forcedFormat, formatFromStart, type WireFormat } from './wire-format.ts';

const CAPABILITIES: MediaCapabilities = {
  clock: 'remote',
  maxLeadMs: 400,
  hasDtmfIn: true,
  hasDtmfOut: false,
  hasHold: false,
};

/** The evidence of the first messages is waited for no longer than this after `start`. */
export const FORMAT_WITHIN_MS = 300;
/** Of the caller, before the format is known: 2 s of linear 16 kHz. */
const MOST_EARLY_BYTES = 64_000;

export type ExotelStreamParts = {
  readonly control: CallControl;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/**
 * Carries one Exotel stream: JSON text both ways, until either side closes it. Our close ends the stream only, and the flow goes
 * on to its next applet. What the audio is, μ-law or linear, is settled before our first audio goes out.
 */
export function openExotelStream(arrival: SocketArrival, parts: ExotelStreamParts): void {
  arrival.socket.listen(new ExotelStream(arrival, parts));
}

class ExotelStream implements MediaSocketListener {
  readonly #arrival: SocketArrival;
  readonly #parts: ExotelStreamParts;
  readonly #session: SocketSession;
  readonly #evidence = new FormatEvidence();
  #streamSid: string | null = null;
  #formatTimer: Timer | null = null;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #read: ((bytes: Uint8Array) => Int16Array) | null = null;
  #wire: StreamWire | null = null;
  #isStopped = false;

  constructor(arrival: SocketArrival, parts: ExotelStreamParts) {
    this.#arrival = arrival;
    this.#parts = parts;
    this.#session = new SocketSession({ ...parts, arrival, channel: 'exotel' });
  }

  text(message: Uint8Array): void {
    this.#session.alive();
    const text = Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString();
    this.#hear(parseStreamMessage(text));
  }

  binary(): void {
    this.#countMalformed();
  }

  closed(code: number): void {
    this.#formatTimer?.cancel();
    this.#wire?.stop();
    if (this.#isStopped) this.#session.transport?.finish({ type: 'peer_closed' });
    this.#session.closed(code, this.#isStopped);
  }

  #hear(message: StreamMessage): void {
    switch (message.type) {
      case 'start':
        this.#start(message);
        break;
      case 'media':
        this.#media(Buffer.from(message.payload, 'base64'), message.timestampMs);
        break;
      case 'dtmf':
        this.#session.transport?.heardDigit(message.digit);
        break;
      case 'mark':
        this.#wire?.markPlayed(message.name);
        break;
      case 'stop':
        this.#isStopped = true;
        this.#session.refuse(CLOSE.normal, '');
        break;
      case 'malformed':
        this.#countMalformed();
        break;
      case 'ignored':
        break;
    }
  }

  #start({ streamSid, format }: Extract<StreamMessage, { type: 'start' }>): void {
    if (this.#streamSid !== null) return;
    this.#streamSid = streamSid;
    const asked = new URL(this.#arrival.rawTarget, 'ws://here').searchParams;
    // Exotel honours the rate in our own address; the form of the audio is a setting that phase 1 put there.
    const sampleRate = asked.get('sample-rate') ?? undefined;
    const known =
      forcedFormat(asked.get('audio') ?? undefined, format, sampleRate) ?? formatFromStart(format, sampleRate);
    if (known) this.#begin(streamSid, known);
    else {
      const giveUp = () => this.#begin(streamSid, this.#evidence.best);
      this.#formatTimer = this.#parts.clock.after(FORMAT_WITHIN_MS, giveUp);
    }
  }

  #media(bytes: Uint8Array, timestampMs: number | null): void {
    if (this.#read) {
      this.#session.transport?.heardAudio(this.#read(bytes));
      return;
    }
    // Audio of a stream that has not started is nobody's.
    if (this.#streamSid === null) {
      this.#countMalformed();
      return;
    }
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
    while (this.#earlyBytes > MOST_EARLY_BYTES) this.#earlyBytes -= this.#early.shift()?.length ?? this.#earlyBytes;
    const verdict = this.#evidence.add(bytes.length, timestampMs ?? this.#parts.clock.nowMs());
    if (verdict) this.#begin(this.#streamSid, verdict);
  }

  #begin(streamSid: string, format: WireFormat): void {
    this.#formatTimer?.cancel();
    if (this.#read) return;
    const { clock, metrics } = this.#parts;
    const wire = streamWire({
      socket: this.#arrival.socket,
      streamSid,
      format,
      clock,
      metrics,
      echoed: (id) => this.#session.transport?.echoed(id),
      hangUp: () => this.#session.hangUp(),
    });
    this.#wire = wire;
    this.#read = payloadReader(format);
    const transport = new RemoteTransport({ wire, rules: exotelRules(format), capabilities: CAPABILITIES, clock });
    this.#session.begin(transport);
    for (const bytes of this.#early) transport.heardAudio(this.#read(bytes));
    this.#early = [];
  }

  #countMalformed(): void {
    this.#parts.metrics.count('stream_malformed_total', { channel: 'exotel' });
  }
}
