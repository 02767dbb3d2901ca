import { describe, expect, test } from 'vitest';
import { bytesOf, EarSink, ID_FRAME, PlaneBench } from '../../test/contracts/audiosocket-plane-harness.ts';
import { levels, Notebook, tone } from '../../test/contracts/media-harness.ts';
import type { ReplyId } from '../core/ids.ts';
import { audioKind, serialiseFrame } from '../protocols/audiosocket/frame.ts';
import { readCounters } from './media-counters.ts';

const REPLY = 1 as ReplyId;

function connect(bench: PlaneBench, address?: string) {
  const sink = new EarSink();
  const leg = bench.accept(sink, address);
  const send = (...frames: Buffer[]) => leg?.receive(Buffer.concat(frames), bench.clock.nowMs());
  return { sink, leg, send };
}

function audio(sampleRate = 8000, level = 0): Buffer {
  return serialiseFrame(audioKind(sampleRate), bytesOf(tone(level, 20, sampleRate)));
}

/** A live call at 8 kHz with its notebook. */
async function call() {
  const bench = new PlaneBench();
  const peer = connect(bench);
  peer.send(ID_FRAME, audio());
  await bench.pass(20);
  const notes = new Notebook();
  const media = bench.arrivals[0]?.media;
  if (media === undefined) throw new Error('the call did not arrive');
  media.listen(notes);
  return { bench, ...peer, notes, media, counters: () => readCounters(bench.counters) };
}

describe('a new connection', () => {
  test('that says nothing is closed after 5 s, and gone a second later', async () => {
    const bench = new PlaneBench();
    const { sink } = connect(bench);

    await bench.pass(4990);
    expect(sink.isEnded).toBe(false);
    await bench.pass(30);
    expect(sink.isEnded).toBe(true);
    await bench.pass(1020);

    expect(sink.isDestroyed).toBe(true);
    expect(sink.ear.frames).toHaveLength(0);
    expect(bench.arrivals).toHaveLength(0);
  });

  test.each([
    ['audio before the id', audio()],
    ['an id of 15 bytes', serialiseFrame(0x01, Buffer.alloc(15))],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a frame too long', Buffer.from('01ffff', 'hex')],
  ])('that begins with %s is closed at once', async (_what, bytes) => {
    const bench = new PlaneBench();
    const { sink, send } = connect(bench);

    send(bytes);
    await bench.pass(1);

    expect(sink.isEnded).toBe(true);
    expect(bench.arrivals).toHaveLength(0);
    expect(readCounters(bench.counters).malformed).toBe(1);
  });

  test('a 17th without an id from one address is refused, and admitted once one of the others has its id', () => {
    const bench = new PlaneBench();
    const first = connect(bench, '198.51.100.7');
    for (let count = 1; count < 16; count++) connect(bench, '198.51.100.7');

    expect(connect(bench, '198.51.100.7').leg).toBeNull();
    expect(connect(bench, '198.51.100.8').leg).not.toBeNull();
    first.send(ID_FRAME);
    expect(connect(bench, '198.51.100.7').leg).not.toBeNull();
  });

  test('a 257th without an id is refused, wherever it comes from', () => {
    const bench = new PlaneBench();
    const peers = Array.from({ length: 256 }, (_, index) => connect(bench, `198.51.100.${index}`));

    expect(connect(bench, '203.0.113.1').leg).toBeNull();
    if (peers[0]?.leg) bench.door.release(peers[0].leg);
    expect(connect(bench, '203.0.113.1').leg).not.toBeNull();
    expect(readCounters(bench.counters)).toMatchObject({ unnamedSockets: 256, refused: 1 });
  });
});

describe('from the id on', () => {
  test('silence goes out every 20 ms, before main has answered', async () => {
    const bench = new PlaneBench();
    const { sink, send } = connect(bench);

    send(ID_FRAME);
    await bench.pass(200);

    expect(sink.ear.frames).toHaveLength(10);
    expect(sink.ear.heard().every((sample) => sample === 0)).toBe(true);
    expect(bench.arrivals).toHaveLength(0);
  });

  test('the call arrives with its first audio, at the rate of that', async () => {
    const bench = new PlaneBench();
    const { send, sink } = connect(bench, '198.51.100.7');

    send(ID_FRAME, audio(16_000, 3));
    await bench.pass(40);

    expect(bench.arrivals).toMatchObject([
      {
        contextId: '11111111-2222-4333-8444-555555555555',
        remoteAddress: '198.51.100.7',
        media: { sampleRate: 16_000 },
      },
    ]);
    expect(sink.ear.frames.at(-1)).toHaveLength(320);
  });

  test('kind 0x11 with 640 bytes is 16 kHz', async () => {
    const bench = new PlaneBench();
    const { send } = connect(bench);

    send(ID_FRAME, serialiseFrame(0x11, Buffer.alloc(640)));
    await bench.pass(20);

    expect(bench.arrivals[0]?.media.sampleRate).toBe(16_000);
  });

  test('without audio it arrives after half a second at 8 kHz, the keys pressed meanwhile included', async () => {
    const bench = new PlaneBench();
    const { send } = connect(bench);
    send(ID_FRAME, serialiseFrame(0x03, Buffer.from('5')));

    await bench.pass(540);
    const notes = new Notebook();
    bench.arrivals[0]?.media.listen(notes);
    await bench.pass(1);

    expect(bench.arrivals[0]?.media.sampleRate).toBe(8000);
    expect(notes.digits).toEqual(['5']);
  });

  test('audio of another rate that comes later is brought to the rate of the call', async () => {
    const { bench, send, notes } = await call();

    for (let frame = 0; frame < 50; frame++) {
      send(audio(16_000, 4));
      await bench.pass(20);
    }

    expect(notes.audioSamples.length).toBe(160 + 50 * 160);
    expect(notes.audioSamples.at(-1)).toBeGreaterThan(7900);
    expect(notes.ends).toEqual([]);
  });

  test('a peer that hangs up before it arrived is never told of', async () => {
    const bench = new PlaneBench();
    const { leg, send } = connect(bench);

    send(ID_FRAME);
    leg?.peerEnded(bench.clock.nowMs());
    await bench.pass(600);

    expect(bench.arrivals).toHaveLength(0);
  });
});

describe('a live call', () => {
  test('unknown kinds, empty audio and keys that are none are passed over', async () => {
    const { bench, send, notes, sink } = await call();

    send(serialiseFrame(0x42, Buffer.alloc(9)), serialiseFrame(0x10), serialiseFrame(0x03, Buffer.from('x')));
    send(serialiseFrame(0x03), serialiseFrame(0x03, Buffer.from('12')), serialiseFrame(0x03, Buffer.from('d')));
    await bench.pass(20);

    expect(notes.digits).toEqual(['D']);
    expect(sink.isEnded).toBe(false);
  });

  test('a second id ends it', async () => {
    const { bench, send, notes } = await call();

    send(ID_FRAME);
    await bench.pass(20);

    expect(notes.ends).toEqual([{ type: 'lost', detail: 'a second id' }]);
  });

  test.each([
    ['a hangup frame', serialiseFrame(0x00), { type: 'peer_closed' }],
    ['an error frame that says hung up', serialiseFrame(0xff, Buffer.of(1)), { type: 'peer_closed' }],
    ['another error frame', serialiseFrame(0xff, Buffer.of(4)), { type: 'lost', detail: 'the peer reports error 4' }],
  ])('%s ends it', async (_what, frame, end) => {
    const { bench, send, notes, sink } = await call();

    send(frame, audio());
    await bench.pass(20);

    expect(notes.ends).toEqual([end]);
    expect(sink.isEnded).toBe(true);
  });

  test('our hang-up is 0x00, then FIN, then nothing, and the socket is gone within a second', async () => {
    const { bench, sink, media } = await call();

    media.close();
    await bench.pass(1);
    const frames = sink.ear.frames.length;
    expect([sink.ear.isHungUp, sink.isEnded]).toEqual([true, true]);
    await bench.pass(1020);

    expect(sink.ear.frames).toHaveLength(frames);
    expect(sink.isDestroyed).toBe(true);
  });

  test('new audio goes out at the next tick of the call', async () => {
    const { bench, sink, media } = await call();
    const before = sink.ear.frames.length;

    media.play({ samples: tone(3, 40, 8000), sampleRate: 8000 }, REPLY);
    await bench.pass(20);

    expect(sink.ear.frames.slice(before).map((frame) => frame[0])).toEqual([6000]);
  });

  test('a reply that runs dry counts, the time before and after it does not', async () => {
    const { bench, media, counters } = await call();
    await bench.pass(100);

    media.play({ samples: tone(3, 30, 8000), sampleRate: 8000 }, REPLY);
    await bench.pass(60);
    expect(counters().underruns).toBe(2);
    media.endReply(REPLY);
    await bench.pass(100);

    expect(counters().underruns).toBe(2);
  });

  test('a peer that does not read: over 3 frames are dropped and counted, and do not count as heard', async () => {
    const { bench, sink, media, counters } = await call();
    media.play({ samples: tone(3, 1000, 8000), sampleRate: 8000 }, REPLY);
    sink.isStuck = true;

    await bench.pass(400);

    expect(sink.queuedBytes).toBe(4 * 323);
    expect(counters().dropsOut).toBe(16);
    expect(media.position()).toEqual({ queued: 8000, sent: 3200, heard: 640 });
    expect(media.clear()).toEqual({ heardSamples: 640, droppedSamples: 7360 });
  });

  test('a peer that takes nothing for 10 s is lost', async () => {
    const { bench, sink, notes } = await call();
    sink.isStuck = true;

    await bench.pass(10_200);

    expect(notes.ends).toEqual([{ type: 'lost', detail: 'the peer does not read' }]);
  });

  test('a stall of the peer is told, and corrects a clear that counted too much as heard', async () => {
    const { bench, send, media, notes } = await call();
    const unheard: [number, number][] = [];
    Object.assign(notes, { unheard: (from: number, to: number) => unheard.push([from, to]) });
    media.play({ samples: tone(3, 1500, 8000), sampleRate: 8000 }, REPLY);
    for (let frame = 0; frame < 10; frame++) {
      await bench.pass(20);
      send(audio());
    }
    const before = media.position().heard;

    await bench.pass(400);
    const estimate = media.clear();
    await bench.pass(100);
    for (let frame = 0; frame < 25; frame++) send(audio());
    await bench.pass(20);

    expect(estimate.heardSamples).toBe(before + 3200);
    expect(notes.clears).toEqual([{ heardSamples: before, droppedSamples: 12_000 - before }]);
    expect(unheard).toEqual([[before, 12_000]]);
    expect(bench.log.events).toContain('media.peer_stalled');
  });

  test('keys pressed for 840 ms without audio are no stall', async () => {
    const { bench, send, counters } = await call();
    for (let frame = 0; frame < 10; frame++) {
      await bench.pass(20);
      send(audio());
    }

    await bench.pass(840);
    for (let frame = 0; frame < 50; frame++) {
      send(audio());
      await bench.pass(20);
    }

    expect(counters().stalls).toBe(0);
  });

  test('its memory serves the next call, and neither hears anything of the other', async () => {
    const { bench, leg, media, notes } = await call();
    media.play({ samples: tone(3, 500, 8000), sampleRate: 8000 }, REPLY);
    await bench.pass(100);
    const ended = media.position();
    leg?.peerEnded(bench.clock.nowMs());
    await bench.pass(1);

    const next = connect(bench);
    next.send(Buffer.from('01001022222222222243338444555555555555', 'hex'), audio(8000, 2));
    await bench.pass(20);
    const nextMedia = bench.arrivals[1]?.media;
    const nextNotes = new Notebook();
    nextMedia?.listen(nextNotes);
    nextMedia?.play({ samples: tone(5, 20, 8000), sampleRate: 8000 }, REPLY);
    media.play({ samples: tone(3, 500, 8000), sampleRate: 8000 }, REPLY);
    media.clear();
    await bench.pass(40);

    expect(ended.queued).toBe(4000);
    expect(media.position().queued).toBe(4000);
    expect(notes.audioSamples).toHaveLength(160);
    expect(levels(nextNotes.audioSamples)).toEqual([[2, 160]]);
    expect(levels(next.sink.ear.heard())).toEqual([[5, 160]]);
    expect(nextMedia?.position()).toEqual({ queued: 160, sent: 160, heard: 160 });
  });

  test('afterwards every gauge is back at zero', async () => {
    const { bench, leg, media, counters } = await call();
    media.play({ samples: tone(3, 1000, 8000), sampleRate: 8000 }, REPLY);
    await bench.pass(100);

    leg?.failed('ECONNRESET', bench.clock.nowMs());
    if (leg) bench.door.release(leg);
    await bench.pass(20);

    expect(counters()).toMatchObject({ activeCalls: 0, unnamedSockets: 0, framesInUse: 0 });
    expect(bench.plane.nextDueMs()).toBeNull();
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('a listener that throws is logged and harms no other call', async () => {
    const { bench, media: _first, notes, send } = await call();
    const second = connect(bench);
    second.send(Buffer.from('01001022222222222243338444555555555555', 'hex'), audio());
    await bench.pass(20);
    Object.assign(notes, {
      audio: () => {
        throw new Error('a listener failed');
      },
    });
    const others = new Notebook();
    bench.arrivals[1]?.media.listen(others);

    send(audio());
    second.send(audio(8000, 2));
    await bench.pass(20);

    expect(bench.log.events).toContain('media.listener_failed');
    expect(others.audioSamples.at(-1)).toBe(4000);
  });
});
