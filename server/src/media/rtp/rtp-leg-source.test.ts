import { describe, expect, test } from 'vitest';
import { levels, Notebook, tone } from '../../../test/contracts/media-harness.ts';
import { agreed } from '../../../test/contracts/rtp-phone.ts';
import { openRtpCall, RtpBench } from '../../../test/contracts/rtp-plane-harness.ts';
import { readCounters } from '../media-counters.ts';

describe('the true source', () => {
  const NAT = { address: '127.0.0.2', port: 51_000 };
  const STRANGER = { address: '127.0.0.3', port: 6000 };

  test('is followed after four packets, and then nobody else is let in', async () => {
    const bench = new RtpBench();
    bench.from = NAT;

    await bench.pass(60);
    expect(bench.sink.isLocked).toBe(false);
    await bench.pass(100);

    expect(bench.sink.isLocked).toBe(true);
    expect(bench.sink.targets).toEqual({ rtp: NAT, rtcp: { address: '127.0.0.2', port: 51_001 }, hasRtcpMux: false });
    expect(bench.sink.sentTo[0]).toBe('127.0.0.1:40000');
    expect(bench.sink.sentTo.at(-1)).toBe('127.0.0.2:51000');
  });

  test('packets of another are refused and counted, even under the same SSRC', async () => {
    const { bench, notes, phone } = await openRtpCall();
    const before = notes.audioSamples.length;
    const { sequence } = phone;

    phone.speak(tone(7, 100, 8000));
    for (let count = 0; count < 5; count++) bench.deliver(phone.frame(), STRANGER);
    phone.sequence = sequence;
    await bench.pass(100);

    expect(levels(notes.audioSamples.subarray(before))).toEqual([]);
    expect(bench.sink.targets.rtp).toEqual({ address: '127.0.0.1', port: 40_000 });
    expect(readCounters(bench.counters).strangers).toBe(5);
  });

  test('a stranger that comes first does not win against the signalled address', async () => {
    const bench = new RtpBench();
    bench.isTalking = false;
    const stranger = new RtpBench().phone;
    stranger.ssrc = 666;
    for (let round = 0; round < 6; round++) {
      bench.deliver(bench.phone.frame());
      bench.deliver(stranger.frame(), STRANGER);
      await bench.pass(20);
    }

    expect(bench.sink.isLocked).toBe(true);
    expect(bench.sink.targets.rtp).toEqual({ address: '127.0.0.1', port: 40_000 });
  });

  test('after two seconds of silence the same stream may come from elsewhere, another may not', async () => {
    const { bench } = await openRtpCall();
    bench.isTalking = false;
    await bench.pass(2100);
    expect(bench.sink.isLocked).toBe(false);

    const stranger = new RtpBench().phone;
    stranger.ssrc = 666;
    for (let count = 0; count < 6; count++) bench.deliver(stranger.frame(), STRANGER);
    expect(bench.sink.isLocked).toBe(false);
    bench.deliver(bench.phone.frame(), NAT);

    expect(bench.sink.isLocked).toBe(true);
    expect(bench.sink.targets.rtp).toEqual(NAT);
  });

  test('the same source after a silence is let in alone again', async () => {
    const { bench } = await openRtpCall();
    bench.isTalking = false;
    await bench.pass(2100);

    bench.deliver(bench.phone.frame());

    expect(bench.sink.isLocked).toBe(true);
  });

  test('a new address that is agreed on is sent to at once, and proves itself anew', async () => {
    const { bench, notes } = await openRtpCall();
    bench.leg.update(
      agreed('PCMU', { remote: { address: '127.0.0.9', port: 7000, rtcpPort: 7003 } }),
      bench.clock.nowMs(),
    );
    expect(bench.sink.targets).toEqual({
      rtp: { address: '127.0.0.9', port: 7000 },
      rtcp: { address: '127.0.0.9', port: 7003 },
      hasRtcpMux: false,
    });
    bench.from = { address: '127.0.0.9', port: 7000 };
    bench.phone.speak(tone(3, 100, 8000));
    await bench.pass(200);

    expect(bench.sink.isLocked).toBe(true);
    expect(levels(notes.audioSamples)).toEqual([[3, 800]]);
  });
});

describe('a peer that is gone', () => {
  test('and never sent anything: the call is lost after 30 s', async () => {
    const bench = new RtpBench();
    const notes = new Notebook();
    bench.media.listen(notes);
    bench.isTalking = false;

    await bench.pass(29_900);
    expect(notes.ends).toEqual([]);
    await bench.pass(200);

    expect(notes.ends).toEqual([{ type: 'lost', detail: 'the caller sent nothing for 30 s' }]);
    expect(bench.sink.isClosed).toBe(true);
  });

  test('in mid-call: lost 15 s after its last packet', async () => {
    const { bench, notes } = await openRtpCall();
    bench.isTalking = false;

    await bench.pass(14_900);
    expect(notes.ends).toEqual([]);
    await bench.pass(200);

    expect(notes.ends).toEqual([{ type: 'lost', detail: 'the caller sent nothing for 15 s' }]);
  });

  test('is not looked for on hold, and has 30 s again afterwards', async () => {
    const { bench, notes } = await openRtpCall();
    bench.isTalking = false;
    bench.leg.update(agreed('PCMU', { direction: 'inactive' }), bench.clock.nowMs());
    await bench.pass(60_000);
    expect(notes.ends).toEqual([]);

    bench.leg.update(agreed(), bench.clock.nowMs());
    await bench.pass(29_900);
    expect(notes.ends).toEqual([]);
    await bench.pass(200);

    expect(notes.ends).toHaveLength(1);
  });
});

describe('a peer that has our name', () => {
  test('makes us say goodbye and take another one, once: afterwards it is our own packets that come back', async () => {
    const { bench, phone } = await openRtpCall();
    const ours = phone.packets.at(-1)?.ssrc ?? 0;
    phone.packets.splice(0);

    phone.ssrc = ours;
    await bench.pass(200);
    const [other] = phone.packets.slice(-1);
    phone.ssrc = other?.ssrc ?? 0;
    await bench.pass(200);

    expect(other?.ssrc).not.toBe(ours);
    expect(phone.reportTypes.filter((types) => types.includes(203))).toEqual([[200, 202, 203]]);
    expect(phone.packets.at(-1)?.ssrc).toBe(other?.ssrc);
    expect(phone.packets.filter(({ ssrc }) => ssrc === other?.ssrc).map(({ marker }) => marker)[0]).toBe(true);
  });
});
