import { describe, expect, test } from 'vitest';
import { levels, tone } from '../../../test/contracts/media-harness.ts';
import { agreed } from '../../../test/contracts/rtp-phone.ts';
import { openRtpCall, playTo, RtpBench } from '../../../test/contracts/rtp-plane-harness.ts';
import { SeededRandom } from '../../../test/fakes/seeded-random.ts';
import type { SrtpSuiteName } from '../../protocols/rtp/srtp.ts';
import { readCounters } from '../media-counters.ts';

describe('SRTP', () => {
  const keys = (seed: number) => ({
    suite: 'AES_CM_128_HMAC_SHA1_80' as const,
    localKey: new SeededRandom(seed).bytes(30),
    remoteKey: new SeededRandom(seed + 1).bytes(30),
  });

  const keysFor = (suite: SrtpSuiteName) => {
    const { localKey, remoteKey } = keys(1);
    const length = suite === 'AEAD_AES_128_GCM' ? 28 : 30;
    return { suite, localKey: localKey.subarray(0, length), remoteKey: remoteKey.subarray(0, length) };
  };

  test.each(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32', 'AEAD_AES_128_GCM'] as const)(
    '%s: speech, keys and reports both ways, over the wrap of the sequence number',
    async (suite) => {
      const { bench, notes, phone } = await openRtpCall({ media: agreed('PCMU', { srtp: keysFor(suite) }) });

      phone.speak(tone(3, 200, 8000));
      playTo(bench, tone(4, 200, 8000));
      await bench.pass(300);
      bench.press('7');
      bench.media.sendDigits('8');
      await bench.pass(8000);
      bench.media.close();
      await bench.pass(20);

      expect(levels(notes.audioSamples)).toEqual([[3, 1600]]);
      expect(levels(phone.heard())).toEqual([[4, 1600]]);
      expect(notes.digits).toEqual(['7']);
      expect(phone.packets.filter(({ payloadType }) => payloadType === 101)).toHaveLength(10);
      expect(phone.reportTypes[0]).toEqual([200, 202]);
      expect(phone.isHungUp).toBe(true);
      expect(bench.stats?.refused).toBe(0);
    },
  );

  test('plain, forged and repeated packets are refused before anything is believed of them', async () => {
    const media = agreed('PCMU', { srtp: keys(1) });
    const { bench, notes, phone } = await openRtpCall({ media });
    bench.isTalking = false;
    const before = notes.audioSamples.length;
    const good = phone.frame();
    const forged = Buffer.from(phone.frame());
    forged[20] = (forged[20] ?? 0) ^ 1;

    bench.deliver(good);
    bench.deliver(good);
    bench.deliver(forged);
    bench.deliver(new RtpBench().phone.frame());
    await bench.pass(20);

    expect(notes.audioSamples.length - before).toBe(160);
    expect(readCounters(bench.counters).malformed).toBe(3);
  });

  test('new keys in mid-call are used at once; the same keys go on counting', async () => {
    const media = agreed('PCMU', { srtp: keys(1) });
    const { bench, notes, phone } = await openRtpCall({ media });
    await bench.pass(8000);
    const reports = phone.reports.length;

    bench.leg.update({ ...media, direction: 'sendonly' }, bench.clock.nowMs());
    bench.leg.update(media, bench.clock.nowMs());
    phone.speak(tone(2, 100, 8000));
    await bench.pass(200);
    expect(levels(notes.audioSamples)).toEqual([[2, 800]]);
    // The phone would refuse a report that counts from one again.
    await bench.pass(8000);
    expect(phone.reports.length).toBeGreaterThan(reports);

    const renewed = agreed('PCMU', { srtp: keys(7) });
    const next = new RtpBench({ media: renewed }).phone;
    next.sequence = phone.sequence;
    next.timestamp = phone.timestamp;
    bench.isTalking = false;
    bench.leg.update(renewed, bench.clock.nowMs());
    next.speak(tone(5, 100, 8000));
    bench.sink.sendRtp = (packet) => {
      next.take(packet);
      return true;
    };
    for (let frame = 0; frame < 6; frame++) {
      bench.deliver(next.frame());
      await bench.pass(20);
    }

    expect(levels(notes.audioSamples)).toEqual([
      [2, 800],
      [5, 800],
    ]);
    expect(next.packets).toHaveLength(6);
  });
});
