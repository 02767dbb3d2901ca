import { describe, expect, test } from 'vitest';
import { levels, scale, tone } from '../../../test/contracts/media-harness.ts';
import { agreed } from '../../../test/contracts/rtp-phone.ts';
import { openRtpCall } from '../../../test/contracts/rtp-plane-harness.ts';
import { SeededRandom } from '../../../test/fakes/seeded-random.ts';
import { dtmfTones } from '../../audio/dtmf-tones.ts';
import { readCounters } from '../media-counters.ts';

const NO_DIGITS = { dtmfPayloadType: undefined };

describe('what we hear', () => {
  test('two packets that overtook one another come in order', async () => {
    const { bench, notes, phone } = await openRtpCall();
    bench.isTalking = false;
    const before = notes.audioSamples.length;
    phone.speak(scale([1, 2, 3], 20, 8000));
    const [first, second, third] = [phone.frame(), phone.frame(), phone.frame()];

    for (const packet of [first, third, second]) bench.deliver(packet);
    await bench.pass(20);

    expect(levels(notes.audioSamples.subarray(before))).toEqual([
      [1, 160],
      [2, 160],
      [3, 160],
    ]);
  });

  test('a lost packet is made up for with what came before, fading', async () => {
    const { bench, notes, phone } = await openRtpCall();
    const before = notes.audioSamples.length;
    phone.speak(tone(4, 200, 8000));
    const lost = phone.sequence + 3;
    bench.network = (packet) => packet.readUInt16BE(2) !== (lost & 0xffff);
    await bench.pass(400);

    const heard = notes.audioSamples.subarray(before);
    const start = heard.findIndex((sample) => sample > 1000);
    expect(heard.slice(start + 480, start + 481)[0]).toBeGreaterThan(7500);
    expect(heard[start + 639]).toBeLessThan(4500);
    expect(heard.length).toBe(400 * 8);
    expect(bench.media.position().queued).toBe(0);
    bench.leg.close(bench.clock.nowMs());
    expect(bench.stats).toMatchObject({ packetsLost: 1, concealedFrames: 1 });
  });

  test('three lost in a row are made up for, in their own time', async () => {
    const { bench, notes, phone } = await openRtpCall();
    phone.speak(tone(4, 200, 8000));
    const first = phone.sequence + 3;
    bench.network = (packet) => ((packet.readUInt16BE(2) - first) & 0xffff) >= 3;
    const before = notes.audioSamples.length;
    await bench.pass(400);
    bench.leg.close(bench.clock.nowMs());

    expect(notes.audioSamples.length - before).toBe(400 * 8);
    expect(bench.stats).toMatchObject({ packetsLost: 3, concealedFrames: 3 });
  });

  test('of a longer loss 60 ms are made up, and the rest is silence: nobody hears words that were not said', async () => {
    const { bench, notes, phone } = await openRtpCall();
    bench.isTalking = false;
    phone.speak(tone(4, 200, 8000));
    const before = notes.audioSamples.length;
    const frames = Array.from({ length: 8 }, () => phone.frame());

    bench.deliver(frames[0] as Buffer);
    bench.deliver(frames[7] as Buffer);
    await bench.pass(80);
    bench.leg.close(bench.clock.nowMs());

    const heard = notes.audioSamples.subarray(before);
    expect(heard.length).toBe(8 * 160);
    expect(heard[160]).toBeGreaterThan(7500);
    expect(heard.subarray(4 * 160, 7 * 160).every((sample) => sample === 0)).toBe(true);
    expect(heard[7 * 160]).toBeGreaterThan(7500);
    expect(bench.stats).toMatchObject({ packetsLost: 6, concealedFrames: 3 });
  });

  test('a hole that the clock has filled is not filled again when the loss shows', async () => {
    const { bench, notes, phone } = await openRtpCall();
    const before = notes.audioSamples.length;
    const first = phone.sequence + 3;
    bench.network = (packet) => ((packet.readUInt16BE(2) - first) & 0xffff) >= 10;
    await bench.pass(600);

    expect(Math.abs(notes.audioSamples.length - before - 600 * 8)).toBeLessThanOrEqual(160);
  });

  test('a phone that stops sending is silent by the clock, from 100 ms on', async () => {
    const { bench, notes } = await openRtpCall();
    bench.isTalking = false;
    await bench.pass(60);
    const before = notes.audioSamples.length;

    await bench.pass(1000);

    expect(notes.audioSamples.length - before).toBeGreaterThanOrEqual(47 * 160);
    expect(notes.audioSamples.subarray(before).every((sample) => sample === 0)).toBe(true);
  });

  test('comfort noise is heard at the level the peer tells', async () => {
    const { bench, notes, phone } = await openRtpCall();
    bench.isTalking = false;
    bench.deliver(phone.packet(13, Uint8Array.of(40)));
    await bench.pass(200);
    const before = notes.audioSamples.length;

    await bench.pass(400);

    const noise = notes.audioSamples.subarray(before);
    const rms = Math.sqrt(noise.reduce((sum, sample) => sum + sample * sample, 0) / noise.length);
    expect(rms).toBeGreaterThan(250);
    expect(rms).toBeLessThan(400);
  });

  test('the other G.711 is understood too, and unknown types are refused', async () => {
    const { bench, notes, phone } = await openRtpCall();
    bench.isTalking = false;
    const before = notes.audioSamples.length;

    bench.deliver(phone.packet(8, new Uint8Array(160).fill(0xd5)));
    bench.deliver(phone.packet(97, new Uint8Array(160)));
    await bench.pass(20);

    expect(notes.audioSamples.length - before).toBe(160);
    expect(notes.audioSamples.at(-1)).toBe(8);
    expect(readCounters(bench.counters).malformed).toBe(1);
  });

  test('a new source of the peer (SSRC) starts anew without a hitch', async () => {
    const { bench, notes, phone } = await openRtpCall();
    const before = notes.audioSamples.length;

    phone.ssrc = 99;
    phone.sequence = 7;
    phone.speak(tone(2, 100, 8000));
    await bench.pass(200);

    expect(levels(notes.audioSamples.subarray(before))).toEqual([[2, 800]]);
  });
});

describe('keys we hear', () => {
  const KEYS = '1590*#D237711';

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('come once each, with 5 %% loss and bursts of three (seed %i)', async (seed) => {
    const { bench, notes, phone } = await openRtpCall();
    const random = new SeededRandom(seed);
    let burst = 0;
    bench.network = () => {
      if (burst === 0 && random.below(100) < 2) burst = 3;
      if (burst > 0) {
        burst--;
        return false;
      }
      return random.below(100) >= 5;
    };

    for (const key of KEYS) {
      bench.isTalking = false;
      for (const packet of phone.digit(key)) {
        bench.deliver(packet);
        await bench.pass(20);
      }
      bench.isTalking = true;
      await bench.pass(100);
    }
    await bench.pass(200);

    expect(notes.digits.join('')).toBe(KEYS);
  });

  test('do not count as jitter, though all packets of one carry the same time', async () => {
    const { bench, phone } = await openRtpCall();
    bench.isTalking = false;
    for (const key of '123456') {
      for (const packet of phone.digit(key)) {
        bench.deliver(packet);
        await bench.pass(20);
      }
    }
    bench.leg.close(bench.clock.nowMs());

    expect(bench.stats?.jitterMs).toBeLessThan(1);
  });

  test('are heard in the audio where the peer has no events', async () => {
    const { bench, notes, phone } = await openRtpCall({ media: agreed('PCMU', NO_DIGITS) });

    phone.speak(dtmfTones('90#', { sampleRate: 8000 }));
    await bench.pass(800);

    expect(notes.digits.join('')).toBe('90#');
  });

  test('are not looked for in the audio where it has', async () => {
    const { bench, notes, phone } = await openRtpCall();

    phone.speak(dtmfTones('90#', { sampleRate: 8000 }));
    await bench.pass(800);

    expect(notes.digits).toEqual([]);
  });
});
