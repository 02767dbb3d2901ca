import { describe, expect, test } from 'vitest';
import {
  ASTERISK_22,
  AsteriskPeer,
  harnessOf,
  openAsteriskCall,
} from '../../../../test/contracts/chan-websocket-harness.ts';
import { brokenPromises } from '../../../../test/contracts/contract.ts';
import { FIRST, listenTo, loud, type MediaHarness, play, tone } from '../../../../test/contracts/media-harness.ts';
import { mediaTransportContract, mediaTransportPromises } from '../../../../test/contracts/media-transport.ts';
import { AppError } from '../../../core/errors.ts';

mediaTransportContract('chan_websocket, plain text', () => openAsteriskCall());
mediaTransportContract('chan_websocket, JSON and linear at 16 kHz', () =>
  openAsteriskCall({ spelling: 'json', format: 'slin16', hasMarks: true }),
);
mediaTransportContract('chan_websocket, linear at 48 kHz', () =>
  openAsteriskCall({ ...ASTERISK_22, format: 'slin48' }),
);
mediaTransportContract('chan_websocket without marks', () => openAsteriskCall({ ...ASTERISK_22, hasMarks: false }));

const BARE_LEAD_MS = 80;

async function openBareCall() {
  const peer = new AsteriskPeer({ ...ASTERISK_22, hasCommands: false, hasDtmf: false });
  peer.speak(new Int16Array(0));
  await peer.pass(200);
  return harnessOf(peer, BARE_LEAD_MS + 20);
}

async function callOf(habits = ASTERISK_22): Promise<{ peer: AsteriskPeer; call: MediaHarness }> {
  const peer = new AsteriskPeer(habits);
  peer.start();
  await peer.pass(1);
  return { peer, call: harnessOf(peer, 20).subject };
}

describe('MEDIA_START', () => {
  test.each([
    ['ulaw', 160, 8_000],
    ['alaw', 160, 8_000],
    ['slin', 320, 8_000],
    ['slin12', 480, 12_000],
    ['slin16', 640, 16_000],
    ['slin24', 960, 24_000],
    ['slin32', 1_280, 32_000],
    ['slin44', 1_764, 44_100],
    ['slin48', 1_920, 48_000],
  ])('announces %s in frames of %i bytes: %i Hz', async (format, frameBytes, sampleRate) => {
    const peer = new AsteriskPeer({ ...ASTERISK_22, format });

    peer.start(format, frameBytes);
    await peer.pass(1);

    expect(peer.arrivals.map(({ media }) => media.sampleRate)).toEqual([sampleRate]);
  });

  test.each([
    ['opus', 0],
    ['slin16', 0],
    ['slin192', 7_680],
    ['slin16', 641],
    ['slin', 15_000],
  ])('with %s in frames of %i bytes is refused with the reason, and claims nothing', async (format, frameBytes) => {
    const peer = new AsteriskPeer();

    peer.start(format, frameBytes);
    await peer.pass(1);

    expect(peer.closes).toEqual([
      [
        1003,
        `format ${format}: dial with c(ulaw), or ulaw, alaw, slin, slin12, slin16, slin24, slin32, slin44 or slin48`,
      ],
    ]);
    expect(peer.arrivals).toEqual([]);
  });

  test('twice is one call', async () => {
    const peer = new AsteriskPeer();

    peer.start();
    peer.start();
    await peer.pass(1);

    expect(peer.arrivals).toHaveLength(1);
  });

  test('that never comes, and no audio: closed after five seconds, nothing claimed', async () => {
    const peer = new AsteriskPeer();

    await peer.pass(5_000);

    expect(peer.closes).toEqual([[1008, 'the stream did not start']]);
    expect(peer.arrivals).toEqual([]);
  });

  test('for a call that another socket has claimed: closed with 4409', async () => {
    const peer = new AsteriskPeer(ASTERISK_22, async () => {
      throw new AppError('context_claimed');
    });

    peer.start();
    await peer.pass(1);

    expect(peer.closes).toEqual([[4409, 'context_claimed']]);
  });

  test('after 199 ms of audio still decides the format, and the audio is not lost', async () => {
    const peer = new AsteriskPeer({ ...ASTERISK_22, format: 'slin' });
    peer.speak(tone(3, 20, 8_000));
    await peer.pass(199);
    peer.start();
    await peer.pass(1);
    const { subject } = harnessOf(peer, 20);

    const notes = listenTo(subject);

    expect(loud(notes.audioSamples)).toBe(160);
    expect(subject.transport.capabilities.hasDtmfIn).toBe(true);
  });
});

describe('a socket whose address names no call', () => {
  const UNNAMED = { ...ASTERISK_22, spelling: 'json', isNamed: false } as const;

  test('is the call that the channel variable RAPIDA_CONTEXT_ID names', async () => {
    const contextId = '99999999-2222-4333-8444-555555555555';
    const peer = new AsteriskPeer({ ...UNNAMED, variables: { RAPIDA_CONTEXT_ID: contextId } });

    peer.start();
    await peer.pass(1);

    expect(peer.arrivals.map((arrival) => arrival.contextId)).toEqual([contextId]);
  });

  test.each([{}, { RAPIDA_CONTEXT_ID: 'no uuid' }])('and whose variables are %j is closed', async (variables) => {
    const peer = new AsteriskPeer({ ...UNNAMED, variables });

    peer.start();
    await peer.pass(1);

    expect(peer.closes).toEqual([[1008, 'the stream names no call']]);
    expect(peer.arrivals).toEqual([]);
  });

  test('and that sends bare audio is closed: it cannot name one', async () => {
    const peer = new AsteriskPeer({ ...UNNAMED, hasCommands: false });

    peer.speak(new Int16Array(160));
    await peer.pass(201);

    expect(peer.closes).toEqual([[1008, 'the stream names no call']]);
  });
});

describe('the commands', () => {
  test('a barge-in pauses; its commit flushes, then goes on, as a flush alone would leave the queue paused', async () => {
    const { peer, call } = await callOf();
    play(call, tone(1, 1_000, 8_000));
    await call.pass(300);

    const before = peer.commands.length;
    call.transport.pause();
    await call.pass(100);
    call.transport.clear();

    expect(peer.commands.slice(before)).toEqual(['PAUSE_MEDIA', 'FLUSH_MEDIA', 'CONTINUE_MEDIA']);
    expect(peer.isPaused).toBe(false);
  });

  test('a barge-in that was none goes on where it stopped: nothing is sent twice', async () => {
    const { peer, call } = await callOf();
    play(call, tone(1, 400, 8_000));
    call.transport.endReply(FIRST);
    await call.pass(150);

    call.transport.pause();
    await call.pass(200);
    call.transport.resume();
    await call.pass(600);

    expect(loud(Int16Array.from(peer.heard))).toBe(3_200);
    expect(peer.commands).not.toContain('FLUSH_MEDIA');
  });

  test('our hang-up is said in words, and the socket closed when nobody listens', async () => {
    const deaf = await callOf({ ...ASTERISK_22, isDeaf: true });
    const { peer, call } = await callOf();

    call.transport.close();
    deaf.call.transport.close();
    await call.pass(5);
    await deaf.call.pass(999);
    expect(peer.commands).toEqual(['ANSWER', 'HANGUP']);
    expect(peer.closes).toEqual([]);
    expect(deaf.peer.closes).toEqual([]);
    await deaf.call.pass(1);

    expect(deaf.peer.closes).toEqual([[1000, '']]);
  });

  test('messages are whole frames, of 100 ms at most', async () => {
    const { peer, call } = await callOf();

    play(call, tone(1, 333, 8_000));
    call.transport.endReply(FIRST);
    await call.pass(500);

    expect(peer.messages).toEqual([800, 800, 800, 160, 160]);
  });

  test('after XOFF nothing is sent until XON', async () => {
    const { peer, call } = await callOf();
    play(call, tone(1, 1_000, 8_000));
    const before = peer.messages.length;

    peer.stopFlow();
    await call.pass(500);
    const stopped = peer.messages.length;
    peer.restartFlow();
    await call.pass(100);

    expect(stopped).toBe(before);
    expect(peer.messages.length).toBeGreaterThan(before);
  });
});

describe('what is heard', () => {
  test('marks lost by a flush never count', async () => {
    const { peer, call } = await callOf();
    const notes = listenTo(call);
    play(call, tone(1, 600, 8_000));
    call.transport.mark('lost');
    await call.pass(200);

    const { heardSamples } = call.transport.clear();
    peer.echo('e0');
    peer.echo('e3');
    await call.pass(1_000);

    expect(heardSamples).toBeLessThanOrEqual(1_600);
    expect(notes.marks).toEqual([]);
  });

  test('marks that get lost on the way are made good by GET_STATUS, and counted', async () => {
    const { peer, call } = await callOf();
    const notes = listenTo(call);
    play(call, tone(1, 300, 8_000));
    await call.pass(150);

    peer.losesMarks = true;
    call.transport.endReply(FIRST);
    call.transport.mark('end');
    await call.pass(1_400);

    expect(notes.marks).toEqual(['end']);
    expect(peer.metrics.value('stream_lost_marks_total', { channel: 'asterisk' })).toBeGreaterThan(0);
  });

  test('more than 200 ms in the queue between two utterances is not ours: flushed, and counted', async () => {
    const { peer, call } = await callOf();
    play(call, tone(1, 100, 8_000));
    call.transport.endReply(FIRST);
    await call.pass(150);

    peer.stuff(60);
    await call.pass(350);

    expect(peer.queueLength).toBe(0);
    expect(peer.commands.slice(-2)).toEqual(['GET_STATUS', 'FLUSH_MEDIA']);
    expect(peer.metrics.value('stream_drift_total', { channel: 'asterisk' })).toBe(1);
  });

  test('without marks the last word counts only when the queue was reported drained', async () => {
    const { peer, call } = await callOf({ ...ASTERISK_22, hasMarks: false });
    const notes = listenTo(call);
    play(call, tone(1, 500, 8_000));
    call.transport.endReply(FIRST);
    call.transport.mark('end');

    peer.isPaused = true;
    await call.pass(100);
    peer.isPaused = false;
    await call.pass(450);
    const tooEarly = [...notes.marks];
    await call.pass(200);

    expect(tooEarly).toEqual([]);
    expect(notes.marks).toEqual(['end']);
    expect(peer.commands).toContain('REPORT_QUEUE_DRAINED');
  });

  test('a caller who says nothing for a minute is not lost: Asterisk is asked how it is', async () => {
    const { peer, call } = await callOf();
    const notes = listenTo(call);

    await call.pass(60_000);

    expect(notes.ends).toEqual([]);
    expect(peer.commands).toEqual(['ANSWER', ...Array.from({ length: 6 }, () => 'GET_STATUS')]);
  });

  test('an Asterisk that answers nothing for thirty seconds is gone', async () => {
    const { peer, call } = await callOf({ ...ASTERISK_22, isDeaf: true });
    const notes = listenTo(call);

    await call.pass(30_002);

    expect(notes.ends.map((end) => end.type)).toEqual(['lost']);
    expect(peer.clock.pendingTimers).toBe(0);
  });
});

describe('a bare stream', () => {
  test('keeps the whole contract, but that what is on its way cannot be taken back', async () => {
    expect(await brokenPromises(mediaTransportPromises, openBareCall)).toEqual(['clear ends a pause']);
  });

  test('starts after 200 ms of audio without MEDIA_START, and is told nothing in text', async () => {
    const peer = new AsteriskPeer({ ...ASTERISK_22, hasCommands: false });
    peer.speak(new Int16Array(160).fill(8_000));
    await peer.pass(199);
    const before = peer.arrivals.length;
    await peer.pass(1);

    const { subject } = harnessOf(peer, 100);
    play(subject, tone(1, 100, 8_000));
    subject.transport.clear();
    await subject.pass(100);

    expect(before).toBe(0);
    expect(peer.commands).toEqual([]);
  });

  test('is never more than 80 ms ahead', async () => {
    const { subject: call } = await openBareCall();

    play(call, tone(1, 1_000, 8_000));
    call.transport.endReply(FIRST);
    for (let passed = 0; passed < 1_000; passed += 10) {
      await call.pass(10);
      expect(call.transport.position().sent - loud(call.heard())).toBeLessThanOrEqual(640);
    }
  });
});
