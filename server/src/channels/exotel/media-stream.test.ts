import { describe, expect, test } from 'vitest';
import { EXOTEL, ExotelPeer, exotelHarness, openExotelCall } from '../../../test/contracts/exotel-harness.ts';
import { FIRST, listenTo, loud, play, tone } from '../../../test/contracts/media-harness.ts';
import { mediaTransportContract } from '../../../test/contracts/media-transport.ts';

const MULAW = { encoding: 'mulaw', sampleRate: 8_000 } as const;
const LINEAR_16K = { encoding: 'linear', sampleRate: 16_000 } as const;

mediaTransportContract('an Exotel stream, linear at 8 kHz', () => openExotelCall());
mediaTransportContract('an Exotel stream, μ-law, in camelCase', () =>
  openExotelCall({ ...EXOTEL, format: MULAW, spelling: 'camelCase' }),
);
mediaTransportContract('an Exotel stream, linear at 16 kHz', () => openExotelCall({ ...EXOTEL, format: LINEAR_16K }));

async function callOf(habits = EXOTEL) {
  const peer = new ExotelPeer(habits);
  peer.start();
  await peer.pass(1);
  return { peer, call: exotelHarness(peer).subject };
}

describe('the messages of an Exotel stream', () => {
  test('are 1,600 bytes first, then 3,200, and never more than 400 ms ahead', async () => {
    const { peer, call } = await callOf();

    play(call, tone(1, 100, 8_000));
    play(call, tone(1, 800, 8_000));
    call.transport.endReply(FIRST);
    let furthestMs = 0;
    for (let passed = 0; passed < 1_600; passed += 10) {
      await call.pass(10);
      furthestMs = Math.max(furthestMs, (call.transport.position().sent - loud(call.heard())) / 8);
    }

    expect(peer.messages.map(([, bytes]) => bytes)).toEqual([1_600, 3_200, 3_200, 3_200, 3_200]);
    expect(furthestMs).toBeLessThanOrEqual(400);
  });

  test('in μ-law hold whole multiples of 320 bytes, the last one padded', async () => {
    const { peer, call } = await callOf({ ...EXOTEL, format: MULAW });

    play(call, tone(1, 90, 8_000));
    play(call, tone(1, 123, 8_000));
    call.transport.endReply(FIRST);
    await call.pass(500);

    expect(peer.messages.map(([, bytes]) => bytes)).toEqual([640, 960, 320]);
    expect(loud(call.heard())).toBe(213 * 8);
  });

  test('are held until `start` or the caller’s audio has told what the audio is', async () => {
    const peer = new ExotelPeer({ ...EXOTEL, format: MULAW, saysFormat: false });
    peer.start();
    await peer.pass(1);
    const before = peer.arrivals.length;

    for (let message = 0; message < 3; message++) {
      peer.speak(tone(3, 100, 8_000));
      await peer.pass(90);
    }
    const { subject } = exotelHarness(peer);
    const notes = listenTo(subject);
    play(subject, tone(1, 100, 8_000));
    subject.transport.endReply(FIRST);
    await subject.pass(200);

    expect(before).toBe(0);
    expect(loud(notes.audioSamples)).toBe(2_400);
    expect(loud(subject.heard())).toBe(800);
  });

  test('are linear at 8 kHz when 300 ms have told nothing', async () => {
    const peer = new ExotelPeer({ ...EXOTEL, saysFormat: false });
    peer.start();

    await peer.pass(299);
    const before = peer.arrivals.length;
    await peer.pass(2);

    expect(before).toBe(0);
    expect(peer.arrivals[0]?.media.sampleRate).toBe(8_000);
  });

  test('are at the rate of ?sample-rate= where `start` names none', async () => {
    const peer = new ExotelPeer({ ...EXOTEL, saysFormat: false }, '/v1/talk/exotel/ctx/x?sample-rate=24000');

    peer.start();
    await peer.pass(1);

    expect(peer.arrivals[0]?.media.sampleRate).toBe(24_000);
  });
});

describe('the audio of an Exotel stream', () => {
  test.each([
    ['?audio=mulaw', 8_000, [640]],
    ['?audio=linear', 8_000, [1_600]],
    ['', 8_000, [1_600]],
  ])('with %s in the address is what was asked for, whatever `start` says', async (query, sampleRate, bytes) => {
    const peer = new ExotelPeer(EXOTEL, `/v1/talk/exotel/ctx/x${query}`);
    peer.start();
    await peer.pass(1);
    const { subject } = exotelHarness(peer);

    play(subject, tone(1, 100, 8_000));

    expect(subject.transport.sampleRate).toBe(sampleRate);
    expect(peer.messages.map(([, length]) => length)).toEqual(bytes);
  });
});

describe('an Exotel stream', () => {
  test('that never starts is closed after five seconds and claims nothing', async () => {
    const peer = new ExotelPeer();

    peer.speak(tone(1, 100, 8_000));
    await peer.pass(5_000);

    expect(peer.closes).toEqual([[1008, 'the stream did not start']]);
    expect(peer.arrivals).toEqual([]);
  });

  test('whose applet echoes no marks is followed by the clock, and speaks on', async () => {
    const { peer, call } = await callOf({ ...EXOTEL, hasMarks: false });
    const notes = listenTo(call);

    play(call, tone(1, 1_000, 8_000));
    call.transport.endReply(FIRST);
    call.transport.mark('end');
    await call.pass(4_000);
    const first = [...notes.marks];
    play(call, tone(2, 1_000, 8_000));
    call.transport.endReply(FIRST);
    call.transport.mark('second');
    await call.pass(1_200);

    expect(first).toEqual(['end']);
    expect(notes.marks).toEqual(['end', 'second']);
    expect(loud(call.heard())).toBe(16_000);
    expect(peer.metrics.value('stream_lost_marks_total', { channel: 'exotel' })).toBe(1);
  });

  test('with a payload that is no base64 is not fed noise', async () => {
    const { peer, call } = await callOf();
    const notes = listenTo(call);

    peer.say('media', { media: { payload: 'not base64!!' } });
    await call.pass(10);

    expect(notes.audioSamples.length).toBe(0);
    expect(peer.metrics.value('stream_malformed_total', { channel: 'exotel' })).toBe(1);
  });

  test('we close goes on to the next applet: an orderly close', async () => {
    const { peer, call } = await callOf();

    call.transport.close();
    await call.pass(5);

    expect(peer.closes).toEqual([[1000, '']]);
    expect(peer.clock.pendingTimers).toBe(0);
  });
});
