import { describe, expect, test } from 'vitest';
import { FIRST, listenTo, loud, play, tone } from '../../../test/contracts/media-harness.ts';
import { mediaTransportContract } from '../../../test/contracts/media-transport.ts';
import { openVonageCall, VonagePeer, vonageHarness } from '../../../test/contracts/vonage-harness.ts';

mediaTransportContract('a Vonage WebSocket at 16 kHz', () => openVonageCall());
mediaTransportContract('a Vonage WebSocket at 8 kHz', () => openVonageCall(8_000));

async function callOf() {
  const peer = new VonagePeer();
  peer.start();
  await peer.pass(1);
  return { peer, call: vonageHarness(peer).subject };
}

describe('a Vonage WebSocket', () => {
  test('gets frames of exactly 640 bytes; only the last of a reply is padded, with zeros', async () => {
    const { peer, call } = await callOf();

    play(call, tone(1, 13, 16_000));
    await call.pass(50);
    const early = peer.frames.length;
    play(call, tone(1, 37, 16_000));
    call.transport.endReply(FIRST);
    await call.pass(100);

    expect(early).toBe(0);
    expect(peer.frames.map((frame) => frame.length)).toEqual([320, 320, 320]);
    expect(peer.frames.map((frame) => loud(frame))).toEqual([320, 320, 160]);
    expect([...(peer.frames[2]?.subarray(160) ?? [])]).toEqual(Array.from({ length: 160 }, () => 0));
  });

  test('is asked for a notify behind the audio, and told to clear once', async () => {
    const { peer, call } = await callOf();

    play(call, tone(1, 400, 16_000));
    await call.pass(100);
    call.transport.pause();
    call.transport.clear();
    await call.pass(10);

    expect(peer.sent[0]).toBe('{"action":"notify","payload":{"mark":"e0"}}');
    expect(peer.sent.filter((text) => text === '{"action":"clear"}')).toHaveLength(1);
  });

  test('after a clear no older notify counts', async () => {
    const { peer, call } = await callOf();
    const notes = listenTo(call);
    play(call, tone(1, 400, 16_000));
    call.transport.mark('old');
    await call.pass(100);

    call.transport.clear();
    for (const mark of ['e0', 'e1', 'e2', 'e3']) peer.say('notify', { payload: { mark } });
    await call.pass(500);

    expect(notes.marks).toEqual([]);
  });

  test('that sends audio before it says connected has begun', async () => {
    const peer = new VonagePeer();

    peer.speak(tone(2, 20, 16_000));
    await peer.pass(1);

    const notes = listenTo(vonageHarness(peer).subject);
    expect(loud(notes.audioSamples)).toBe(320);
  });

  test('of another format than linear PCM is counted, and closed after five seconds', async () => {
    const peer = new VonagePeer();

    peer.say('connected', { 'content-type': 'audio/opus' });
    await peer.pass(5_000);

    expect(peer.metrics.value('stream_malformed_total', { channel: 'vonage' })).toBe(1);
    expect(peer.closes).toEqual([[1008, 'the stream did not start']]);
  });

  test('going away is the end of the call, as there is no word of goodbye', async () => {
    const { peer, call } = await callOf();
    const notes = listenTo(call);

    peer.drop(1001);
    await call.pass(2);

    expect(notes.ends).toEqual([{ type: 'peer_closed' }]);
    expect(peer.clock.pendingTimers).toBe(0);
  });
});
