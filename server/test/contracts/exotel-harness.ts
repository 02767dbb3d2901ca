import { decodeMulaw, encodeMulaw } from '@assistant/server/audio/g711';
import { openExotelStream } from '@assistant/server/channels/exotel/media-stream';
import type { WireFormat } from '@assistant/server/channels/exotel/wire-format';
import type { ContextId } from '@assistant/server/core/ids';
import type { MediaArrival } from '@assistant/server/core/ports/channel';
import type { MediaSocket, MediaSocketListener } from '@assistant/server/core/ports/media-socket';
import { FakeClock, settle } from '../fakes/fake-clock.ts';
import { RecordingLog, RecordingMetrics } from '../fakes/recording-log.ts';
import type { Opened } from './contract.ts';
import type { MediaHarness } from './media-harness.ts';
import { RemotePeer } from './remote-harness.ts';

const CONTEXT = '11111111-2222-4333-8444-555555555555' as ContextId;
const STREAM = 'stream"0123456789';
const BLOCK_BYTES = 320;
/** A stream's messages come each 100 ms. */
const MESSAGE_MS = 100;

export type ExotelHabits = {
  readonly format: WireFormat;
  readonly spelling: 'snake_case' | 'camelCase';
  /** False: `start` says nothing of the format, and the audio must tell. */
  readonly saysFormat: boolean;
  /** False: marks are swallowed. */
  readonly hasMarks: boolean;
};

export const EXOTEL: ExotelHabits = {
  format: { encoding: 'linear', sampleRate: 8_000 },
  spelling: 'snake_case',
  saysFormat: true,
  hasMarks: true,
};

type Sent = {
  readonly event: string;
  readonly stream_sid: string;
  readonly streamSid: string;
  readonly media?: { readonly payload: string };
  readonly mark?: { readonly name: string };
};

/** Exotel's end of a stream on the test's thread: speaks its messages in either spelling, plays, echoes and clears. */
export class ExotelPeer implements MediaSocket {
  readonly clock = new FakeClock();
  readonly metrics = new RecordingMetrics();
  readonly player: RemotePeer;
  readonly arrivals: MediaArrival[] = [];
  readonly closes: [code: number, reason: string][] = [];
  /** When each media message came, and its bytes. */
  readonly messages: [atMs: number, bytes: number][] = [];
  readonly bufferedBytes = 0;
  readonly #habits: ExotelHabits;
  #listener: MediaSocketListener | null = null;
  #sequence = 0;
  #audioMs = 0;
  #isClosed = false;

  constructor(habits = EXOTEL, rawTarget = '/v1/talk/exotel/ctx/x') {
    this.#habits = habits;
    const playing = { clearReturnsMarks: false, canHold: false, delayMs: 0 };
    this.player = new RemotePeer(playing, this.clock, habits.format.sampleRate);
    this.player.line = {
      echoed: (name) => habits.hasMarks && this.say('mark', { mark: { name } }),
      finish: () => {},
    };
    const attachMedia = async (arrival: MediaArrival) => void this.arrivals.push(arrival);
    const arrival = { contextId: CONTEXT, socket: this, rawTarget, headers: {}, remoteAddress: '127.0.0.1' };
    const { clock, metrics } = this;
    openExotelStream(arrival, {
      control: { attachMedia, endCall: async () => {} },
      clock,
      log: new RecordingLog(),
      metrics,
    });
  }

  say(event: string, fields: Record<string, unknown>): void {
    if (this.#isClosed) return;
    this.#sequence++;
    const message =
      this.#habits.spelling === 'snake_case'
        ? { event, sequence_number: String(this.#sequence), stream_sid: STREAM, ...fields }
        : { Event: event, sequenceNumber: this.#sequence, streamSid: STREAM, ...fields };
    this.#listener?.text(Buffer.from(JSON.stringify(message)));
  }

  start(): void {
    const { encoding, sampleRate } = this.#habits.format;
    const isLinear = encoding === 'linear';
    const bitRate = `${(sampleRate * (isLinear ? 16 : 8)) / 1000}kbps`;
    const snake = {
      encoding: isLinear ? 'base64' : 'audio/x-mulaw',
      sample_rate: String(sampleRate),
      bit_rate: bitRate,
    };
    const camel = { encoding: isLinear ? 'raw/slin' : 'mulaw', sampleRate };
    this.say('connected', {});
    if (this.#habits.spelling === 'snake_case') {
      const format = this.#habits.saysFormat ? { media_format: snake } : {};
      this.say('start', { start: { stream_sid: STREAM, call_sid: 'c1', custom_parameters: {}, ...format } });
    } else this.say('start', { start: { callSid: 'c1', ...(this.#habits.saysFormat ? { mediaFormat: camel } : {}) } });
  }

  speak(samples: Int16Array): void {
    const { format, spelling } = this.#habits;
    const payload = encode(samples, format).toString('base64');
    const timestamp = spelling === 'snake_case' ? String(this.#audioMs) : this.#audioMs;
    this.#audioMs += (samples.length * 1000) / format.sampleRate;
    this.say('media', { media: { chunk: '1', timestamp, payload } });
  }

  press(digit: string): void {
    this.say('dtmf', { dtmf: { digit, duration: '100' } });
  }

  listen(listener: MediaSocketListener): void {
    this.#listener = listener;
  }

  sendText(text: string): void {
    const message = JSON.parse(text) as Sent;
    if (message.stream_sid !== STREAM || message.streamSid !== STREAM) throw new Error(`whose stream is ${text}?`);
    if (message.media) {
      const bytes = Buffer.from(message.media.payload, 'base64');
      if (bytes.length === 0 || bytes.length % BLOCK_BYTES !== 0) throw new Error(`${bytes.length} bytes`);
      this.messages.push([this.clock.nowMs(), bytes.length]);
      this.player.sendAudio(decode(bytes, this.#habits.format));
    } else if (message.mark) this.player.sendMark(message.mark.name);
    else if (message.event === 'clear') this.player.sendClear();
    else throw new Error(`Exotel knows no ${text}`);
  }

  sendBinary(): void {
    throw new Error('Exotel takes text only');
  }

  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
    this.drop(code);
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
      this.player.playMs();
      await Promise.resolve();
    }
    await settle();
  }
}

function encode(samples: Int16Array, { encoding }: WireFormat): Buffer {
  if (encoding === 'linear') return Buffer.from(samples.slice().buffer);
  const bytes = Buffer.alloc(samples.length);
  encodeMulaw(samples, bytes);
  return bytes;
}

function decode(bytes: Buffer, { encoding }: WireFormat): Int16Array {
  if (encoding === 'linear') return new Int16Array(Uint8Array.from(bytes).buffer);
  const samples = new Int16Array(bytes.length);
  decodeMulaw(bytes, samples);
  return samples;
}

/** An Exotel call for the media contract. */
export async function openExotelCall(habits: ExotelHabits = EXOTEL): Promise<Opened<MediaHarness>> {
  const peer = new ExotelPeer(habits);
  peer.start();
  await settle();
  return exotelHarness(peer);
}

/** The contract's view of a peer whose call has arrived. */
export function exotelHarness(peer: ExotelPeer): Opened<MediaHarness> {
  const transport = peer.arrivals[0]?.media;
  if (!transport) throw new Error('the call did not arrive');
  const messageSamples = (transport.sampleRate * MESSAGE_MS) / 1000;
  const speech: Int16Array[] = [];
  let nextMs = 0;
  const subject: MediaHarness = {
    transport,
    isExact: true,
    stopWithinMs: 20,
    pass: (ms) =>
      peer.pass(ms, () => {
        if (speech.length === 0 || peer.clock.nowMs() < nextMs) return;
        nextMs = peer.clock.nowMs() + MESSAGE_MS;
        peer.speak(speech.shift() ?? new Int16Array(0));
      }),
    heard: () => Int16Array.from(peer.player.heard),
    speak: (samples) => {
      for (let at = 0; at < samples.length; at += messageSamples) speech.push(samples.slice(at, at + messageSamples));
    },
    press: (digit) => peer.press(digit),
    hangUp: () => peer.say('stop', { stop: { call_sid: 'c1', reason: 'callended' } }),
    breakOff: () => peer.drop(1006),
    isHungUp: () => peer.closes.length > 0,
  };
  return { subject, close: async () => peer.drop(1000) };
}
