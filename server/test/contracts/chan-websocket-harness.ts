import { mediaFormat } from '@assistant/server/channels/asterisk/websocket/media-format';
import { openAsteriskSocket } from '@assistant/server/channels/asterisk/websocket/media-socket';
import type { ContextId } from '@assistant/server/core/ids';
import type { MediaArrival } from '@assistant/server/core/ports/channel';
import type { MediaSocket, MediaSocketListener } from '@assistant/server/core/ports/media-socket';
import { FakeClock, settle } from '../fakes/fake-clock.ts';
import { RecordingLog, RecordingMetrics } from '../fakes/recording-log.ts';
import type { Opened } from './contract.ts';
import type { MediaHarness } from './media-harness.ts';

const CONTEXT = '11111111-2222-4333-8444-555555555555' as ContextId;
const FRAME_MS = 20;
const LIMITS = { text: 128, message: 16_000, queue: 1_000, xoff: 900, xon: 800 } as const;

export type AsteriskHabits = {
  readonly spelling: 'plain-text' | 'json';
  /** As MEDIA_START names it. */
  readonly format: string;
  /** The first versions of chan_websocket have no MARK_MEDIA: they warn in their own log and go on. */
  readonly hasMarks: boolean;
  /** False: a bare stream, where any text is a fault. */
  readonly hasCommands?: boolean;
  readonly hasDtmf?: boolean;
  /** False: the address names no call. */
  readonly isNamed?: boolean;
  readonly variables?: Readonly<Record<string, string>>;
  /** Reads nothing any more. */
  readonly isDeaf?: boolean;
};

export const ASTERISK_22: AsteriskHabits = { spelling: 'plain-text', format: 'ulaw', hasMarks: true };

type Queued = { readonly type: 'frame'; readonly samples: Int16Array } | { readonly type: 'mark'; readonly id: string };

/** Asterisk's end of a chan_websocket call on the test's thread: a frame every 20 ms, and as strict as channels/chan_websocket.c. */
export class AsteriskPeer implements MediaSocket {
  readonly clock = new FakeClock();
  readonly metrics = new RecordingMetrics();
  readonly log = new RecordingLog();
  readonly arrivals: MediaArrival[] = [];
  readonly closes: [code: number, reason: string][] = [];
  readonly commands: string[] = [];
  /** Bytes of each binary message that came. */
  readonly messages: number[] = [];
  readonly heard: number[] = [];
  readonly bufferedBytes = 0;
  /** Echoes are swallowed while it is set. */
  losesMarks = false;
  isPaused = false;
  readonly queue: Queued[] = [];
  readonly #habits: AsteriskHabits;
  readonly #encode: (samples: Int16Array) => Uint8Array;
  readonly #decode: (bytes: Uint8Array) => Int16Array;
  readonly #frameBytes: number;
  readonly #frameSamples: number;
  #listener: MediaSocketListener | null = null;
  #isClosed = false;
  #wantsDrained = false;
  #isFull = false;
  #nextFrameMs = FRAME_MS;

  constructor(habits = ASTERISK_22, attach?: (arrival: MediaArrival) => Promise<void>) {
    this.#habits = habits;
    const format = mediaFormat(habits.format) ?? mediaFormat('ulaw');
    if (!format) throw new Error('no format');
    this.#encode = format.encode;
    this.#decode = format.newReader();
    this.#frameSamples = (format.sampleRate * FRAME_MS) / 1000;
    this.#frameBytes = this.#frameSamples * format.bytesPerSample;
    const attachMedia = attach ?? (async (arrival) => void this.arrivals.push(arrival));
    const control = { attachMedia, endCall: async () => {} };
    const unnamed = { socket: this, rawTarget: '/', headers: {}, remoteAddress: '127.0.0.1' };
    const arrival = habits.isNamed === false ? unnamed : { ...unnamed, contextId: CONTEXT };
    openAsteriskSocket(arrival, { control, clock: this.clock, log: this.log, metrics: this.metrics });
  }

  get queueLength(): number {
    return this.queue.filter((entry) => entry.type === 'frame').length;
  }

  /** MEDIA_START as Asterisk 22.10 was seen to write it. */
  start(format = this.#habits.format, frameBytes = this.#frameBytes): void {
    const plain = `MEDIA_START connection_id:rapida channel:WebSocket/rapida/0x7f channel_id:1795246880.2 format:${format} optimal_frame_size:${frameBytes} ptime:20`;
    const json = { connection_id: 'rapida', channel: 'WebSocket/rapida/0x7f', format, optimal_frame_size: frameBytes };
    this.#say('MEDIA_START', plain, { ...json, ptime: 20, channel_variables: this.#habits.variables ?? {} });
  }

  press(digit: string): void {
    this.#say('DTMF_END', `DTMF_END digit:${digit} channel_id:1795246880.2`, { digit });
  }

  speak(samples: Int16Array): void {
    if (!this.#isClosed) this.#listener?.binary(this.#encode(samples));
  }

  /** Says that a mark was processed, whatever became of it. */
  echo(id: string): void {
    this.#say('MEDIA_MARK_PROCESSED', `MEDIA_MARK_PROCESSED ${id}`, { correlation_id: id });
  }

  stopFlow(): void {
    this.#say('MEDIA_XOFF', 'MEDIA_XOFF', {});
  }

  restartFlow(): void {
    this.#say('MEDIA_XON', 'MEDIA_XON', {});
  }

  /** Puts frames into the queue that nobody sent. */
  stuff(frames: number): void {
    for (let frame = 0; frame < frames; frame++)
      this.queue.push({ type: 'frame', samples: new Int16Array(this.#frameSamples) });
  }

  /** The caller's phone, or Asterisk, ends the call. */
  hangUp(): void {
    this.drop(1000);
  }

  drop(code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.clock.after(0.01, () => this.#listener?.closed(code, ''));
  }

  async pass(ms: number, everyMs: () => void = () => {}): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      everyMs();
      this.clock.advance(1);
      if (this.clock.nowMs() >= this.#nextFrameMs) {
        this.#nextFrameMs += FRAME_MS;
        this.#playFrame();
      }
      await Promise.resolve();
    }
    await settle();
  }

  listen(listener: MediaSocketListener): void {
    this.#listener = listener;
  }

  sendBinary(message: Uint8Array): void {
    if (this.#isClosed) return;
    if (message.length > LIMITS.message) throw new Error(`a message of ${message.length} bytes`);
    if (message.length % this.#frameBytes !== 0)
      throw new Error(`a tail of ${message.length % this.#frameBytes} bytes would be lost`);
    this.messages.push(message.length);
    if (this.queueLength >= LIMITS.queue) return;
    const bytes = message.slice();
    for (let at = 0; at < bytes.length; at += this.#frameBytes) {
      const samples = this.#decode(bytes.subarray(at, at + this.#frameBytes)).slice();
      this.queue.push({ type: 'frame', samples });
    }
    if (!this.#isFull && this.queueLength >= LIMITS.xoff) {
      this.#isFull = true;
      this.stopFlow();
    }
  }

  sendText(text: string): void {
    if (this.#isClosed || this.#habits.isDeaf) return;
    if (this.#habits.hasCommands === false) throw new Error(`a bare stream was told ${text}`);
    if (Buffer.byteLength(text) > LIMITS.text)
      throw new Error(`Asterisk ignores ${Buffer.byteLength(text)} bytes of text`);
    const [command = '', id = ''] = this.#habits.spelling === 'json' ? readJson(text) : text.split(' ');
    this.commands.push(id === '' ? command : `${command} ${id}`);
    switch (command) {
      case 'MARK_MEDIA':
        if (this.#habits.hasMarks) this.queue.push({ type: 'mark', id });
        return;
      case 'FLUSH_MEDIA':
        this.queue.length = 0;
        return;
      case 'PAUSE_MEDIA':
        this.isPaused = true;
        return;
      case 'CONTINUE_MEDIA':
        this.isPaused = false;
        return;
      case 'ANSWER':
        return;
      case 'REPORT_QUEUE_DRAINED':
        this.#wantsDrained = true;
        return;
      case 'GET_STATUS':
        this.#sayStatus();
        return;
      case 'HANGUP':
        this.drop(1000);
        return;
      default:
        throw new Error(`Asterisk knows no ${command}`);
    }
  }

  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
    this.drop(1001);
  }

  #playFrame(): void {
    if (this.isPaused) return;
    if (this.#isFull && this.queueLength < LIMITS.xon) {
      this.#isFull = false;
      this.restartFlow();
    }
    if (this.queue.length === 0) {
      if (this.#wantsDrained) this.#say('QUEUE_DRAINED', 'QUEUE_DRAINED', {});
      this.#wantsDrained = false;
      return;
    }
    let entry = this.queue.shift();
    for (; entry?.type === 'mark'; entry = this.queue.shift()) {
      if (!this.losesMarks) this.echo(entry.id);
    }
    if (entry) this.heard.push(...entry.samples);
  }

  #sayStatus(): void {
    const { queueLength, isPaused } = this;
    this.#say(
      'STATUS',
      `STATUS channel_id:1795246880.2 queue_length:${queueLength} xon_level:800 xoff_level:900 queue_full:false bulk_media:false media_paused:${isPaused}`,
      { queue_length: queueLength, xon_level: 800, xoff_level: 900, media_paused: isPaused },
    );
  }

  #say(event: string, plain: string, fields: Record<string, unknown>): void {
    const text =
      this.#habits.spelling === 'json' ? JSON.stringify({ event, channel_id: '1795246880.2', ...fields }) : plain;
    this.clock.after(0.01, () => {
      if (!this.#isClosed) this.#listener?.text(Buffer.from(text));
    });
  }
}

function readJson(text: string): string[] {
  const { command, correlation_id: id = '' } = JSON.parse(text) as { command: string; correlation_id?: string };
  return [command, id];
}

/** A chan_websocket call for the media contract. */
export async function openAsteriskCall(habits: AsteriskHabits = ASTERISK_22): Promise<Opened<MediaHarness>> {
  const peer = new AsteriskPeer(habits);
  peer.start();
  peer.clock.advance(0.02);
  await settle();
  return harnessOf(peer, FRAME_MS);
}

/** The contract's view of a peer whose call has arrived. */
export function harnessOf(peer: AsteriskPeer, stopWithinMs: number): Opened<MediaHarness> {
  const transport = peer.arrivals[0]?.media;
  if (!transport) throw new Error('the call did not arrive');
  const frameSamples = (transport.sampleRate * FRAME_MS) / 1000;
  const speech: Int16Array[] = [];
  let nextFrameMs = 0;
  const subject: MediaHarness = {
    transport,
    isExact: true,
    stopWithinMs,
    pass: (ms) =>
      peer.pass(ms, () => {
        if (speech.length === 0 || peer.clock.nowMs() < nextFrameMs) return;
        nextFrameMs = peer.clock.nowMs() + FRAME_MS;
        peer.speak(speech.shift() ?? new Int16Array(0));
      }),
    heard: () => Int16Array.from(peer.heard),
    speak: (samples) => {
      for (let at = 0; at < samples.length; at += frameSamples) speech.push(samples.slice(at, at + frameSamples));
    },
    press: (digit) => peer.press(digit),
    hangUp: () => peer.hangUp(),
    breakOff: () => peer.drop(1006),
    isHungUp: () => peer.commands.includes('HANGUP') || peer.closes.length > 0,
  };
  return { subject, close: async () => peer.drop(1000) };
}
