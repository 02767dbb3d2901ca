import { openVonageSocket } from '@assistant/server/channels/vonage/media-socket';
import type { ContextId } from '@assistant/server/core/ids';
import type { MediaArrival } from '@assistant/server/core/ports/channel';
import type { MediaSocket, MediaSocketListener } from '@assistant/server/core/ports/media-socket';
import { FakeClock, settle } from '../fakes/fake-clock.ts';
import { RecordingLog, RecordingMetrics } from '../fakes/recording-log.ts';
import type { Opened } from './contract.ts';
import type { MediaHarness } from './media-harness.ts';
import { RemotePeer } from './remote-harness.ts';

const CONTEXT = '11111111-2222-4333-8444-555555555555' as ContextId;
const FRAME_MS = 20;
const MOST_MESSAGES = 1_024;

type Sent = { readonly action: string; readonly payload?: { readonly mark?: string } };

/** Vonage's end of a WebSocket on the test's thread: exact frames in, a buffer that plays, notifies and clears. */
export class VonagePeer implements MediaSocket {
  readonly clock = new FakeClock();
  readonly metrics = new RecordingMetrics();
  readonly player: RemotePeer;
  readonly arrivals: MediaArrival[] = [];
  readonly closes: [code: number, reason: string][] = [];
  readonly sent: string[] = [];
  readonly frames: Int16Array[] = [];
  readonly bufferedBytes = 0;
  readonly #sampleRate: number;
  #listener: MediaSocketListener | null = null;
  #isClosed = false;

  constructor(sampleRate = 16_000) {
    this.#sampleRate = sampleRate;
    this.player = new RemotePeer({ clearReturnsMarks: false, canHold: false, delayMs: 0 }, this.clock, sampleRate);
    this.player.line = { echoed: (mark) => this.say('notify', { payload: { mark } }), finish: () => {} };
    const attachMedia = async (arrival: MediaArrival) => void this.arrivals.push(arrival);
    const arrival = { contextId: CONTEXT, socket: this, rawTarget: '/', headers: {}, remoteAddress: '127.0.0.1' };
    const { clock, metrics } = this;
    const control = { attachMedia, endCall: async () => {} };
    openVonageSocket(arrival, { control, clock, log: new RecordingLog(), metrics });
  }

  say(event: string, fields: Record<string, unknown> = {}): void {
    if (!this.#isClosed) this.#listener?.text(Buffer.from(JSON.stringify({ event: `websocket:${event}`, ...fields })));
  }

  /** The first message: the headers of the NCCO stand flat beside the format. */
  start(): void {
    this.say('connected', { 'content-type': `audio/l16;rate=${this.#sampleRate}`, custom: 'x' });
  }

  speak(samples: Int16Array): void {
    if (!this.#isClosed) this.#listener?.binary(new Uint8Array(samples.slice().buffer));
  }

  listen(listener: MediaSocketListener): void {
    this.#listener = listener;
  }

  sendBinary(message: Uint8Array): void {
    const frameBytes = (this.#sampleRate * FRAME_MS * 2) / 1000;
    if (message.length !== frameBytes) throw new Error(`a frame of ${message.length} bytes, not ${frameBytes}`);
    if (this.frames.length > MOST_MESSAGES) throw new Error('more than Vonage buffers');
    const samples = new Int16Array(Uint8Array.from(message).buffer);
    this.frames.push(samples);
    this.player.sendAudio(samples);
  }

  sendText(text: string): void {
    this.sent.push(text);
    const message = JSON.parse(text) as Sent;
    if (message.action === 'clear') {
      this.player.sendClear();
      this.clock.after(0.01, () => this.say('cleared'));
    } else if (message.action === 'notify') this.player.sendMark(message.payload?.mark ?? '');
    else throw new Error(`Vonage knows no ${text}`);
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

/** A Vonage call for the media contract. */
export async function openVonageCall(sampleRate = 16_000): Promise<Opened<MediaHarness>> {
  const peer = new VonagePeer(sampleRate);
  peer.start();
  await settle();
  return vonageHarness(peer);
}

/** The contract's view of a peer whose call has arrived. */
export function vonageHarness(peer: VonagePeer): Opened<MediaHarness> {
  const transport = peer.arrivals[0]?.media;
  if (!transport) throw new Error('the call did not arrive');
  const frameSamples = (transport.sampleRate * FRAME_MS) / 1000;
  const speech: Int16Array[] = [];
  let nextMs = 0;
  const subject: MediaHarness = {
    transport,
    isExact: true,
    stopWithinMs: 20,
    pass: (ms) =>
      peer.pass(ms, () => {
        if (speech.length === 0 || peer.clock.nowMs() < nextMs) return;
        nextMs = peer.clock.nowMs() + FRAME_MS;
        peer.speak(speech.shift() ?? new Int16Array(0));
      }),
    heard: () => Int16Array.from(peer.player.heard),
    speak: (samples) => {
      for (let at = 0; at < samples.length; at += frameSamples) speech.push(samples.slice(at, at + frameSamples));
    },
    press: (digit) => peer.say('dtmf', { digit, duration: 260 }),
    // There is no word of goodbye: the socket closes.
    hangUp: () => peer.drop(1000),
    breakOff: () => peer.drop(1006),
    isHungUp: () => peer.closes.length > 0,
  };
  return { subject, close: async () => peer.drop(1000) };
}
