import { describe, expect, test } from 'vitest';
import { ExotelStream } from './exotel/voicebot-stream.ts';
import { TwilioStream } from './twilio/media-stream.ts';
import { VonageSocket } from './vonage/audio-socket.ts';

const twilio = new TwilioStream({ callSid: 'CA1', accountSid: 'AC1', parameters: {} });
const { streamSid } = twilio;
const exotel = new ExotelStream({
  callSid: 'c1',
  accountSid: 'exo1',
  from: '1',
  to: '2',
  encoding: 'linear',
  sampleRate: 8_000,
  saysFormat: true,
});
const stream_sid = exotel.streamSid;
const ofExotel = (bytes: number) =>
  JSON.stringify({ event: 'media', stream_sid, media: { payload: Buffer.alloc(bytes).toString('base64') } });

describe("Twilio's stream", () => {
  test('numbers its messages as text, from 1, its own chunks apart', () => {
    const own = new TwilioStream({ callSid: 'CA1', accountSid: 'AC1', parameters: { a: 'b' } });
    const [connected, start] = own.opening().map((text) => JSON.parse(String(text)) as Record<string, unknown>);
    const [media] = own.audio(new Int16Array(160)).map((text) => JSON.parse(String(text)) as Record<string, unknown>);

    expect(connected).toEqual({ event: 'connected', protocol: 'Call', version: '1.0.0' });
    expect(start).toMatchObject({ sequenceNumber: '1', start: { customParameters: { a: 'b' }, tracks: ['inbound'] } });
    const payload = Buffer.alloc(160, 0xff).toString('base64');
    expect(media).toMatchObject({
      sequenceNumber: '2',
      media: { track: 'inbound', chunk: '1', timestamp: '0', payload },
    });
  });

  test.each([
    { event: 'media', streamSid: 'MZ0', media: { payload: '' } },
    { event: 'media', streamSid, media: { payload: '/w==', track: 'outbound' } },
    { event: 'media', streamSid, media: { payload: '/w=' } },
    { event: 'mark', streamSid, sequenceNumber: '1', mark: { name: 'x' } },
    { event: 'clear', streamSid, all: true },
    { event: 'dtmf', streamSid, dtmf: { digit: '1' } },
  ])('refuses %j', (message) => {
    expect(twilio.read(JSON.stringify(message))).toMatchObject({ type: 'fault', how: expect.stringMatching(/^31951/) });
  });

  test('takes what is right', () => {
    const media = JSON.stringify({ event: 'media', streamSid, media: { payload: '/w==' } });

    expect(twilio.read(media)).toEqual({ type: 'audio', samples: Int16Array.of(0) });
    expect(twilio.read(JSON.stringify({ event: 'clear', streamSid }))).toEqual({ type: 'clear' });
    expect(twilio.read(Buffer.from('x'))).toMatchObject({ type: 'fault' });
  });
});

describe("Vonage's socket", () => {
  const socket = new VonageSocket(16_000, { caller: 'x' });

  test('takes frames of exactly 640 bytes at 16 kHz and gives the payload of a notify back as it was', () => {
    expect(socket.read(Buffer.alloc(640))).toMatchObject({ type: 'audio' });
    expect(socket.read(Buffer.alloc(1_280))).toMatchObject({ type: 'fault', how: expect.stringContaining('640') });
    expect(socket.read(Buffer.alloc(320))).toMatchObject({ type: 'fault' });
    const notify = socket.read('{"action":"notify","payload":{"mark":"e0"}}');
    expect(notify).toEqual({ type: 'mark', name: '{"mark":"e0"}' });
    expect(socket.mark('{"mark":"e0"}')).toEqual(['{"event":"websocket:notify","payload":{"mark":"e0"}}']);
    expect(socket.read('{"action":"clear","id":1}')).toMatchObject({ type: 'fault' });
    expect(socket.opening()).toEqual([
      '{"event":"websocket:connected","content-type":"audio/l16;rate=16000","caller":"x"}',
    ]);
  });
});

describe("Exotel's stream", () => {
  test('takes whole multiples of 320 bytes up to 100 kB, and sends 100 ms at a time', () => {
    expect(exotel.read(ofExotel(3_200))).toMatchObject({ type: 'audio' });
    for (const bytes of [0, 100, 3_201, 100_160]) expect(exotel.read(ofExotel(bytes))).toMatchObject({ type: 'fault' });
    expect(exotel.read(JSON.stringify({ event: 'clear', stream_sid: 'another' }))).toMatchObject({ type: 'fault' });
    const messages = Array.from({ length: 10 }, () => exotel.audio(new Int16Array(160)).length);
    expect(messages).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  });
});
