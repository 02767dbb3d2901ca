import { encodeBase64Mulaw } from '@assistant/server/audio/base64-mulaw';
import { decodeMulaw } from '@assistant/server/audio/g711';
import { openMediaStream, streamScratch } from '@assistant/server/channels/twilio/media-stream';
import type { ContextId } from '@assistant/server/core/ids';
import type { MediaArrival } from '@assistant/server/core/ports/channel';
import type { MediaSocket, MediaSocketListener } from '@assistant/server/core/ports/media-socket';
import { FakeClock, settle } from '../fakes/fake-clock.ts';
import { RecordingLog } from '../fakes/recording-log.ts';
import type { Opened } from './contract.ts';
import type { MediaHarness } from './media-harness.ts';
import { RemotePeer } from './remote-harness.ts';

export const CONTEXT = '11111111-2222-4333-8444-555555555555' as ContextId;
const STREAM = 'MZ0123456789abcdef0123456789abcdef';
const noMetrics = { count() {}, gauge() {}, observe() {} };

/** Twilio's end of a Media Stream on the test's thread: speaks its messages, plays, echoes and clears as it does. */
export class TwilioPeer implements MediaSocket {
  readonly clock = new FakeClock();
  readonly player = new RemotePeer({ clearReturnsMarks: true, canHold: false, delayMs: 0 }, this.clock, 8_000);
  readonly arrivals: MediaArrival[] = [];
  readonly closes: [code: number, reason: string][] = [];
  readonly bufferedBytes = 0;
  #listener: MediaSocketListener | null = null;
  #sequence = 0;
  #isClosed = false;

  constructor(attach: (arrival: MediaArrival) => Promise<void> = async (arrival) => void this.arrivals.push(arrival)) {
    this.player.line = { echoed: (name) => this.say({ event: 'mark', mark: { name } }), finish: () => {} };
    const control = { attachMedia: attach, endCall: async () => {} };
    const arrival = { contextId: CONTEXT, socket: this, rawTarget: '/', headers: {}, remoteAddress: '127.0.0.1' };
    const ports = { clock: this.clock, log: new RecordingLog(), metrics: noMetrics };
    openMediaStream(arrival, { ...ports, control, scratch: streamScratch() });
  }

  /** One message of Twilio's, numbered as it numbers them. */
  say(message: Record<string, unknown>): void {
    if (this.#isClosed) return;
    const numbered = { ...message, sequenceNumber: String(++this.#sequence), streamSid: STREAM };
    this.#listener?.text(Buffer.from(JSON.stringify(numbered)));
  }

  start(): void {
    this.#listener?.text(Buffer.from('{"event":"connected","protocol":"Call","version":"1.0.0"}'));
    this.say({ event: 'start', start: { streamSid: STREAM, callSid: 'CA1', accountSid: 'AC1', customParameters: {} } });
  }

  speak(samples: Int16Array): void {
    const text = Buffer.alloc(Math.ceil(samples.length / 3) * 4);
    const payload = text.toString('latin1', 0, encodeBase64Mulaw(samples, text, 0));
    this.say({ event: 'media', media: { track: 'inbound', chunk: '1', timestamp: '0', payload } });
  }

  listen(listener: MediaSocketListener): void {
    this.#listener = listener;
  }

  sendText(text: string | Uint8Array): void {
    const message = JSON.parse(Buffer.from(text as string).toString()) as {
      event: string;
      streamSid: string;
      media?: { payload: string };
      mark?: { name: string };
    };
    if (message.streamSid !== STREAM) throw new Error(`Twilio 31951: unknown streamSid ${message.streamSid}`);
    if (message.media) {
      const bytes = Buffer.from(message.media.payload, 'base64');
      const samples = new Int16Array(bytes.length);
      decodeMulaw(bytes, samples);
      this.player.sendAudio(samples);
    } else if (message.mark) this.player.sendMark(message.mark.name);
    else if (message.event === 'clear') this.player.sendClear();
    else throw new Error(`Twilio 31951: ${JSON.stringify(message)}`);
  }

  sendBinary(): void {
    throw new Error('Twilio takes text only');
  }

  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
    this.drop(code);
  }

  /** The socket is gone. */
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

/** A Twilio call for the media contract. */
export async function openTwilioCall(): Promise<Opened<MediaHarness>> {
  const peer = new TwilioPeer();
  peer.start();
  await settle();
  const transport = peer.arrivals[0]?.media;
  if (!transport) throw new Error('the call did not arrive');
  const speech: Int16Array[] = [];
  let nextFrameMs = 0;
  const subject: MediaHarness = {
    transport,
    isExact: true,
    stopWithinMs: 20,
    pass: (ms) =>
      peer.pass(ms, () => {
        if (speech.length === 0 || peer.clock.nowMs() < nextFrameMs) return;
        nextFrameMs = peer.clock.nowMs() + 20;
        peer.speak(speech.shift() ?? new Int16Array(0));
      }),
    heard: () => Int16Array.from(peer.player.heard),
    speak: (samples) => {
      for (let at = 0; at < samples.length; at += 160) speech.push(samples.slice(at, at + 160));
    },
    press: (digit) => peer.say({ event: 'dtmf', dtmf: { track: 'inbound_track', digit } }),
    hangUp: () => {
      peer.say({ event: 'stop', stop: { callSid: 'CA1' } });
    },
    breakOff: () => peer.drop(1006),
    isHungUp: () => peer.closes.length > 0,
  };
  return { subject, close: async () => peer.drop(1000) };
}
