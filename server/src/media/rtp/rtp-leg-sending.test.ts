import { describe, expect, test } from 'vitest';
import { levels, Notebook, scale, tone } from '../../../test/contracts/media-harness.ts';
import { agreed } from '../../../test/contracts/rtp-phone.ts';
import { openRtpCall, playTo, RtpBench, steps } from '../../../test/contracts/rtp-plane-harness.ts';
import { DtmfDetector } from '../../audio/dtmf-detector.ts';

const NO_DIGITS = { dtmfPayloadType: undefined };

describe('what we send', () => {
  test('is one packet every 20 ms, silence too, the marker on the first only', async () => {
    const { bench, phone } = await openRtpCall();
    playTo(bench, tone(3, 40, 8000));
    await bench.pass(800);

    expect(phone.packets).toHaveLength(50);
    expect(phone.packets.map(({ marker }) => marker).indexOf(true)).toBe(0);
    expect(phone.packets.filter(({ marker }) => marker)).toHaveLength(1);
    expect(new Set(steps(phone.packets.map(({ sequence }) => sequence)))).toEqual(new Set([1]));
    expect(new Set(steps(phone.packets.map(({ timestamp }) => timestamp)))).toEqual(new Set([160]));
    expect(phone.packets[0]?.payload).toEqual(new Uint8Array(160).fill(0xff));
  });

  test('in G.722 samples 16 kHz, on a clock of 8000 all the same; silence is coded, not filled in', async () => {
    const { bench, phone } = await openRtpCall({ media: agreed('G722') });
    await bench.pass(200);

    expect(bench.media.sampleRate).toBe(16_000);
    expect(new Set(phone.packets.map(({ payloadType, payload }) => `${payloadType} ${payload.length}`))).toEqual(
      new Set(['9 160']),
    );
    expect(new Set(steps(phone.packets.map(({ timestamp }) => timestamp)))).toEqual(new Set([160]));
    expect(Math.max(...phone.heard().map(Math.abs))).toBeLessThan(10);
  });

  test('goes to the signalled address before the peer has said anything', async () => {
    const bench = new RtpBench();
    bench.isTalking = false;

    await bench.pass(100);

    expect(bench.sink.sentTo).toEqual(Array(5).fill('127.0.0.1:40000'));
  });

  test('waits, audio and all, while there is nowhere to send to', async () => {
    const bench = new RtpBench({
      media: agreed('PCMU', { remote: { address: '0.0.0.0', port: 40_000, rtcpPort: 40_001 } }),
    });
    bench.isTalking = false;
    playTo(bench, tone(3, 100, 8000));

    await bench.pass(300);

    expect(bench.sink.sentTo).toEqual([]);
    expect(bench.media.position()).toEqual({ queued: 800, sent: 0, heard: 0 });
  });

  test('a worker that slept leaves a gap in the timestamps, not in the sequence, and marks what follows', async () => {
    const { bench, phone } = await openRtpCall();
    const before = phone.packets.length;

    bench.clock.advance(200);
    await bench.pass(100);

    const after = phone.packets.slice(before - 1);
    expect(new Set(steps(after.map(({ sequence }) => sequence)))).toEqual(new Set([1]));
    const gaps = steps(after.map(({ timestamp }) => timestamp)).filter((step) => step !== 160);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toBeGreaterThanOrEqual(9 * 160);
    expect(after.filter(({ marker }) => marker)).toHaveLength(1);
  });

  test('A-law and L16 are as RFC 3551 has them', async () => {
    const alaw = await openRtpCall({ media: agreed('PCMA') });
    const linear = await openRtpCall({ media: agreed('L16') });
    playTo(linear.bench, new Int16Array(320).fill(0x1234));
    await linear.bench.pass(40);

    expect(alaw.phone.packets[0]?.payload).toEqual(new Uint8Array(160).fill(0xd5));
    expect(alaw.phone.packets[0]?.payloadType).toBe(8);
    const payloads = linear.phone.packets.map(({ payload }) => Buffer.from(payload).toString('hex'));
    expect(payloads).toContain('1234'.repeat(320));
    expect(new Set(steps(linear.phone.packets.map(({ timestamp }) => timestamp)))).toEqual(new Set([320]));
  });
});

describe('keys we send', () => {
  test('are events: marker first, one timestamp, the duration growing, the end three times, then 40 ms of silence', async () => {
    const { bench, phone } = await openRtpCall();

    bench.media.sendDigits('5#');
    await bench.pass(600);

    const events = phone.packets.filter(({ payloadType }) => payloadType === 101);
    const first = events.filter(({ payload }) => payload[0] === 5);
    expect(first.map(({ marker }) => marker)).toEqual([true, ...Array(9).fill(false)]);
    expect(new Set(first.map(({ timestamp }) => timestamp)).size).toBe(1);
    expect(first.map(({ payload }) => ((payload[2] ?? 0) << 8) | (payload[3] ?? 0))).toEqual([
      160, 320, 480, 640, 800, 960, 1120, 1280, 1280, 1280,
    ]);
    expect(first.map(({ payload }) => (payload[1] ?? 0) >> 7)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
    expect(events.filter(({ payload }) => payload[0] === 11)).toHaveLength(10);
    expect(new Set(steps(phone.packets.map(({ sequence }) => sequence)))).toEqual(new Set([1]));
    const from = phone.packets.indexOf(first[9] as (typeof phone.packets)[number]);
    expect(phone.packets.slice(from + 1, from + 4).map(({ payloadType }) => payloadType)).toEqual([0, 0, 101]);
  });

  test('hold the reply back, and nothing of it is lost', async () => {
    const { bench, phone } = await openRtpCall();

    bench.media.sendDigits('1');
    playTo(bench, scale([2, 3], 100, 8000));
    await bench.pass(600);

    expect(levels(phone.heard())).toEqual([
      [2, 800],
      [3, 800],
    ]);
  });

  test('are tones where the peer has no events', async () => {
    const { bench, phone } = await openRtpCall({ media: agreed('PCMU', NO_DIGITS) });

    bench.media.sendDigits('12x9');
    await bench.pass(800);

    expect(new DtmfDetector(8000).push(phone.heard())).toBe('129');
  });
});

describe('hold', () => {
  test('is told; nothing is sent, the queue is kept, the music is not heard; then all goes on', async () => {
    const { bench, notes, phone } = await openRtpCall();
    playTo(bench, scale([1, 2], 200, 8000));
    await bench.pass(100);
    bench.leg.update(agreed('PCMU', { direction: 'recvonly' }), bench.clock.nowMs());
    await bench.pass(20);
    const [sent, heard, position] = [phone.packets.length, notes.audioSamples.length, bench.media.position()];

    phone.speak(tone(6, 500, 8000));
    await bench.pass(1000);
    expect([phone.packets.length, notes.audioSamples.length]).toEqual([sent, heard]);
    expect(bench.media.position()).toEqual(position);
    bench.leg.update(agreed(), bench.clock.nowMs());
    await bench.pass(500);

    expect(notes.events.filter((event) => event === 'held' || event === 'resumed')).toEqual(['held', 'resumed']);
    expect(levels(phone.heard())).toEqual([
      [1, 1600],
      [2, 1600],
    ]);
    expect(phone.packets[sent]?.marker).toBe(true);
    expect(
      ((phone.packets[sent]?.timestamp ?? 0) - (phone.packets[sent - 1]?.timestamp ?? 0)) >>> 0,
    ).toBeGreaterThanOrEqual(50 * 160);
  });

  test('is told to a listener that comes later', async () => {
    const bench = new RtpBench();
    bench.leg.update(agreed('PCMU', { direction: 'inactive' }), 0);
    await bench.pass(40);
    const notes = new Notebook();

    bench.media.listen(notes);
    await bench.pass(20);

    expect(notes.events).toContain('held');
  });

  test('by us: we go on sending, and a silent peer is not lost', async () => {
    const { bench, notes, phone } = await openRtpCall();
    bench.leg.update(agreed('PCMU', { direction: 'sendonly' }), bench.clock.nowMs());
    bench.isTalking = false;
    const before = phone.packets.length;

    await bench.pass(40_000);

    expect(phone.packets.length - before).toBe(2000);
    expect(notes.events).not.toContain('held');
    expect(notes.ends).toEqual([]);
  });
});
