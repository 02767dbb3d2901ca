import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import type { LegEnd, LegEvents, MediaLeg } from './media-leg.ts';
import { AsteriskPlayout, type PlayoutEvent } from './websocket-playout.ts';

/** What the two spellings of chan_websocket's text messages are called in Dial(WebSocket/.../f(...)). */
export const SPELLINGS = ['plain-text', 'json'] as const;
export type Spelling = (typeof SPELLINGS)[number];

export type WebSocketTarget = {
  /** ws://host:port */
  readonly url: string;
  readonly contextId: string;
  readonly spelling: Spelling;
};

const CONNECT_TIMEOUT_MS = 3_000;
const TICK_MS = 20;
const SAMPLE_RATE = 16_000;
const FRAME_BYTES = (SAMPLE_RATE * 2 * TICK_MS) / 1_000;
/** MAX_TEXT_MESSAGE_LEN of channels/chan_websocket.c. */
const LONGEST_TEXT_BYTES = 128;
const CHANNEL_ID = '1795246880.2';

/**
 * The line as chan_websocket of Asterisk 22 holds it with c(slin16): MEDIA_START first, audio of 640 bytes each 20 ms, a digit
 * at key up, and a queue of its own that is played a frame a tick and obeys commands. What Asterisk would warn of and ignore is
 * a fault here: a long or unknown command, a tail that fills no frame, a full queue.
 */
export class WebSocketLeg implements MediaLeg {
  static readonly sampleRate = SAMPLE_RATE;
  readonly sampleRate = WebSocketLeg.sampleRate;
  readonly #target: WebSocketTarget;
  readonly #playout = new AsteriskPlayout(FRAME_BYTES, (event) => this.#tell(event));
  #socket: WebSocket | undefined;
  #events: LegEvents | undefined;
  #hasHungUp = false;

  constructor(target: WebSocketTarget) {
    this.#target = target;
  }

  async open(events: LegEvents): Promise<void> {
    this.#events = events;
    const { url, contextId } = this.#target;
    const address = new URL('/v1/talk/asterisk/ctx', url);
    address.searchParams.set('contextId', contextId);
    const socket = new WebSocket(address, 'media', {
      perMessageDeflate: false,
      handshakeTimeout: CONNECT_TIMEOUT_MS,
    });
    this.#socket = socket;
    await connected(socket, address.host);
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#takeAudio(data);
      else this.#takeCommand(data.toString());
    });
    socket.on('error', () => undefined);
    socket.on('close', (code) => this.#closed(code));
    this.#start();
  }

  sendAudio(samples: Int16Array): void {
    this.#playTick();
    if (this.#socket?.readyState === WebSocket.OPEN)
      this.#socket.send(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
  }

  /** Asterisk sends no audio while a key is down. */
  sendKey(key: string, _tick: number, isLast: boolean): void {
    this.#playTick();
    if (isLast)
      this.#say('DTMF_END', [
        ['digit', key],
        ['channel_id', CHANNEL_ID],
      ]);
  }

  hangUp(): void {
    this.#end({ by: 'us', how: 'closed the connection' });
    this.#socket?.close(1000);
  }

  abort(): void {
    this.#end({ by: 'us', how: 'reset the connection' });
    this.#socket?.terminate();
  }

  #start(): void {
    const fields: [string, string | number][] = [
      ['connection_id', 'phone'],
      ['channel', 'WebSocket/phone/0x1'],
      ['channel_id', CHANNEL_ID],
      ['format', 'slin16'],
      ['optimal_frame_size', FRAME_BYTES],
      ['ptime', TICK_MS],
    ];
    this.#say('MEDIA_START', fields);
  }

  #playTick(): void {
    const frame = this.#playout.tick();
    if (frame) this.#events?.audio(new Int16Array(Uint8Array.from(frame).buffer), performance.now());
  }

  #takeAudio(data: Buffer): void {
    const trouble = this.#playout.push(data);
    if (trouble) this.#fault(trouble);
  }

  #takeCommand(text: string): void {
    if (Buffer.byteLength(text) > LONGEST_TEXT_BYTES) {
      this.#fault(`a command of ${Buffer.byteLength(text)} bytes: Asterisk ignores it`);
      return;
    }
    const [command = '', id = ''] = this.#target.spelling === 'json' ? readJson(text) : text.split(' ');
    if (command === 'HANGUP') {
      this.#hasHungUp = true;
      this.#end({ by: 'far end', how: 'hung up' });
      this.#socket?.close(1000);
    } else if (command === 'GET_STATUS') {
      this.#say('STATUS', [
        ['channel_id', CHANNEL_ID],
        ['queue_length', this.#playout.queueLength],
        ['media_paused', this.#playout.isPaused],
      ]);
    } else if (!this.#playout.obey(command, id))
      this.#fault(`the command ${command.slice(0, 40)}: Asterisk knows none`);
  }

  #tell(event: PlayoutEvent): void {
    if (event.type === 'mark' && this.#target.spelling === 'plain-text') this.#send(`MEDIA_MARK_PROCESSED ${event.id}`);
    else if (event.type === 'mark') this.#say('MEDIA_MARK_PROCESSED', [['correlation_id', event.id]]);
    else this.#say(event.type, []);
  }

  #say(event: string, fields: readonly (readonly [string, string | number | boolean])[]): void {
    if (this.#target.spelling === 'json') this.#send(JSON.stringify({ event, ...Object.fromEntries(fields) }));
    else this.#send([event, ...fields.map(([name, value]) => `${name}:${value}`)].join(' '));
  }

  #send(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #fault(how: string): void {
    this.#end({ by: 'fault', how });
    this.#socket?.terminate();
  }

  #closed(code: number): void {
    if (!this.#hasHungUp) this.#end({ by: 'far end', how: `closed the connection with ${code}` });
  }

  #end(end: LegEnd): void {
    const events = this.#events;
    this.#events = undefined;
    events?.closed(end);
  }
}

function readJson(text: string): string[] {
  const { command, correlation_id: id } = JSON.parse(text) as { command?: unknown; correlation_id?: unknown };
  return [String(command), typeof id === 'string' ? id : ''];
}

async function connected(socket: WebSocket, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('open', resolve);
  socket.once('error', (error) => reject(new Error(`no WebSocket at ${host}: ${error.message}`)));
  await promise;
}
