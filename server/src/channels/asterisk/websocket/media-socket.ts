import { type ContextId, parseContextId } from '../../../core/ids.ts';
import type { CallControl } from '../../../core/ports/channel.ts';
import type { Clock, Timer } from '../../../core/ports/clock.ts';
import type { EventLog } from '../../../core/ports/event-log.ts';
import type { MediaSocketListener, SocketArrival, UnnamedArrival } from '../../../core/ports/media-socket.ts';
import type { MediaCapabilities } from '../../../core/ports/media-transport.ts';
import type { Metrics } from '../../../core/ports/metrics.ts';
import { RemoteTransport } from '../../../media/remote/remote-transport.ts';
import type { RemoteWireRules } from '../../../media/remote/remote-wire.ts';
import { CLOSE, SocketSession } from '../../../media/remote/socket-session.ts';
import { BARE_CAPABILITIES, BARE_RULES, bareWire } from './bare-wire.ts';
import { CommandWire } from './command-wire.ts';
import {
  type ControlEvent,
  type ControlFormat,
  controlCommand,
  controlFormatOf,
  parseControlEvent,
} from './control-message.ts';
import { FORMATS_TAKEN, type MediaFormat, mediaFormat } from './media-format.ts';

/** Binary that comes without MEDIA_START counts as the start of a bare μ-law stream after this. */
export const BARE_AFTER_MS = 200;

/** Asterisk can be held and flushed at once, so a longer lead costs a barge-in nothing and bears a distant PBX. */
const LEAD_MS = 300;
const MESSAGE_MS = 100;
/** Asterisk closes the socket at 65,535 bytes; a message of ours stays far below that whatever the format. */
const LARGEST_MESSAGE_BYTES = 16_000;
/** Of the caller, before MEDIA_START: 2 s of the bare stream. */
const MOST_EARLY_BYTES = 16_000;
const LONGEST_EVENT_BYTES = 64 * 1024;

const CAPABILITIES: MediaCapabilities = {
  clock: 'remote',
  maxLeadMs: 400,
  hasDtmfIn: true,
  hasDtmfOut: false,
  hasHold: false,
};

export type AsteriskSocketParts = {
  readonly control: CallControl;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

type MediaStart = Extract<ControlEvent, { type: 'media_start' }>;

/**
 * Carries one WebSocket of Asterisk's chan_websocket: audio as binary in the format its MEDIA_START announces, events and
 * commands as text in the spelling of that message. A peer that never says MEDIA_START is taken for bare μ-law. Where the address
 * names no call, the channel variable RAPIDA_CONTEXT_ID of a JSON MEDIA_START does.
 */
export function openAsteriskSocket(arrival: SocketArrival | UnnamedArrival, parts: AsteriskSocketParts): void {
  arrival.socket.listen(new AsteriskSocket(arrival, parts));
}

class AsteriskSocket implements MediaSocketListener {
  readonly #arrival: SocketArrival | UnnamedArrival;
  readonly #parts: AsteriskSocketParts;
  readonly #session: SocketSession;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #bareTimer: Timer | null = null;
  #read: ((bytes: Uint8Array) => Int16Array) | null = null;
  #wire: CommandWire | null = null;
  #stopWire = () => {};

  constructor(arrival: SocketArrival | UnnamedArrival, parts: AsteriskSocketParts) {
    this.#arrival = arrival;
    this.#parts = parts;
    this.#session = new SocketSession({ ...parts, arrival, channel: 'asterisk' });
  }

  text(message: Uint8Array): void {
    this.#session.alive();
    if (message.length > LONGEST_EVENT_BYTES) this.#countMalformed();
    else this.#hear(Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString());
  }

  binary(bytes: Uint8Array): void {
    this.#session.alive();
    if (this.#read) this.#session.transport?.heardAudio(this.#read(bytes));
    else this.#keepEarly(bytes);
  }

  closed(code: number): void {
    this.#bareTimer?.cancel();
    this.#stopWire();
    this.#session.closed(code, false);
  }

  #hear(text: string): void {
    const event = parseControlEvent(text);
    const { transport } = this.#session;
    switch (event.type) {
      case 'media_start':
        this.#start(event, controlFormatOf(text));
        break;
      case 'dtmf':
        transport?.heardDigit(event.digit);
        break;
      case 'xoff':
      case 'xon':
        transport?.setFlow(event.type === 'xon');
        break;
      case 'mark_processed':
        this.#wire?.markProcessed(event.mark);
        break;
      case 'queue_drained':
        this.#wire?.drained();
        break;
      case 'status':
        this.#wire?.status(event);
        break;
      case 'error':
        this.#parts.log.warn('asterisk.command_refused', { text: event.text.slice(0, 200) });
        this.#wire?.refused();
        break;
      case 'malformed':
        this.#parts.log.warn('asterisk.event_malformed', { reason: event.reason });
        this.#countMalformed();
        break;
      case 'buffering_completed':
      case 'ignored':
        break;
    }
  }

  #start(event: MediaStart, spelling: ControlFormat): void {
    if (this.#read) return;
    const format = mediaFormat(event.format);
    const rules = format && rulesOf(format, event.optimalFrameSize);
    if (!format || !rules) {
      this.#parts.log.warn('asterisk.format_refused', { format: event.format, frame: event.optimalFrameSize });
      this.#session.refuse(CLOSE.unsupported, `format ${event.format}: dial with c(ulaw), or ${FORMATS_TAKEN}`);
      return;
    }
    const { socket } = this.#arrival;
    const { clock, metrics } = this.#parts;
    const hangUp = () => this.#session.leave(() => socket.sendText(controlCommand(spelling, 'HANGUP')));
    const echoed = (id: string) => this.#session.transport?.echoed(id);
    const { optimalFrameSize } = event;
    const wire = new CommandWire({ socket, spelling, format, optimalFrameSize, clock, metrics, echoed, hangUp });
    this.#wire = wire;
    this.#stopWire = () => wire.stop();
    // With option n of the dial string Asterisk waits for it; without, it has answered and does not mind.
    socket.sendText(controlCommand(spelling, 'ANSWER'));
    const named = parseContextId(event.variables['rapida_context_id'] ?? '');
    this.#begin(format, new RemoteTransport({ wire, rules, capabilities: CAPABILITIES, clock }), named);
  }

  #startBare(): void {
    const format = mediaFormat('ulaw');
    if (!format || this.#read) return;
    const { clock } = this.#parts;
    const echoed = (id: string) => this.#session.transport?.echoed(id);
    const hangUp = () => this.#session.hangUp();
    const wire = bareWire({ socket: this.#arrival.socket, format, clock, echoed, hangUp });
    this.#stopWire = wire.stop;
    this.#begin(format, new RemoteTransport({ wire, rules: BARE_RULES, capabilities: BARE_CAPABILITIES, clock }));
  }

  #begin(format: MediaFormat, transport: RemoteTransport, named: ContextId | null = null): void {
    this.#bareTimer?.cancel();
    this.#read = format.newReader();
    this.#session.begin(transport, named);
    for (const bytes of this.#early) transport.heardAudio(this.#read(bytes));
    this.#early = [];
  }

  /** The oldest is dropped first. */
  #keepEarly(bytes: Uint8Array): void {
    this.#early.push(bytes.slice());
    this.#earlyBytes += bytes.length;
    while (this.#earlyBytes > MOST_EARLY_BYTES) this.#earlyBytes -= this.#early.shift()?.length ?? this.#earlyBytes;
    this.#bareTimer ??= this.#parts.clock.after(BARE_AFTER_MS, () => this.#startBare());
  }

  #countMalformed(): void {
    this.#parts.metrics.count('stream_malformed_total', { channel: 'asterisk' });
  }
}

/** Whole multiples of Asterisk's frame; null when that frame is none of this format. */
function rulesOf(format: MediaFormat, optimalFrameSize: number): RemoteWireRules | null {
  const { sampleRate, bytesPerSample } = format;
  const blockSamples = optimalFrameSize / bytesPerSample;
  const messageBytes = (MESSAGE_MS * sampleRate * bytesPerSample) / 1000 + optimalFrameSize;
  if (blockSamples === 0 || !Number.isInteger(blockSamples) || messageBytes > LARGEST_MESSAGE_BYTES) return null;
  const blockMs = (blockSamples * 1000) / sampleRate;
  return {
    sampleRate,
    blockSamples,
    minMessageMs: 0,
    maxMessageMs: Math.max(MESSAGE_MS, Math.ceil(blockMs)),
    leadMs: LEAD_MS,
  };
}
