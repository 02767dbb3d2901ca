import { describe, expect, test } from 'vitest';
import { tone } from '../../../test/contracts/media-harness.ts';
import { agreed } from '../../../test/contracts/rtp-phone.ts';
import { openRtpCall, playTo, RtpBench, steps } from '../../../test/contracts/rtp-plane-harness.ts';
import { SeededRandom } from '../../../test/fakes/seeded-random.ts';
import { ReceiverStatistics } from '../../protocols/rtp/receiver-statistics.ts';
import { RtcpSession } from '../../protocols/rtp/rtcp.ts';
import { readCounters } from '../media-counters.ts';

describe('a change in mid-call', () => {
  test('from PCMU to L16: the call keeps its rate, both hear each other', async () => {
    const { bench, notes, phone } = await openRtpCall();
    const wide = agreed('L16');
    bench.isTalking = false;
    bench.leg.update(wide, bench.clock.nowMs());
    const other = new RtpBench({ media: wide }).phone;
    other.sequence = phone.sequence;
    other.speak(tone(4, 200, 16_000));
    const before = notes.audioSamples.length;
    const packets = phone.packets.length;
    playTo(bench, tone(5, 200, 8000));

    for (let frame = 0; frame < 15; frame++) {
      bench.deliver(other.frame());
      await bench.pass(20);
    }

    const heard = notes.audioSamples.subarray(before);
    expect(bench.media.sampleRate).toBe(8000);
    expect(heard.length).toBe(15 * 160);
    expect(heard[1200]).toBeGreaterThan(7900);
    const sent = phone.packets.slice(packets);
    expect(sent.every(({ payloadType, payload }) => payloadType === 118 && payload.length === 640)).toBe(true);
    expect(Math.max(...sent.map(({ payload }) => Buffer.from(payload).readInt16BE(600)))).toBeGreaterThan(9900);
  });

  test('of the payload types alone: the stream goes on', async () => {
    const { bench, phone } = await openRtpCall();
    const before = phone.packets.length;

    bench.leg.update(agreed('PCMA', { dtmfPayloadType: 96 }), bench.clock.nowMs());
    await bench.pass(100);

    expect(phone.packets.slice(before).map(({ payloadType }) => payloadType)).toEqual([8, 8, 8, 8, 8]);
    expect(new Set(steps(phone.packets.map(({ sequence }) => sequence)))).toEqual(new Set([1]));
    expect(new Set(phone.packets.map(({ ssrc }) => ssrc)).size).toBe(1);
  });
});

describe('reports', () => {
  test('go out about every 5 s with a CNAME, and say goodbye at the end', async () => {
    const { bench, phone } = await openRtpCall();

    await bench.pass(60_000);
    const regular = phone.reportTypes.length;
    bench.media.close();
    await bench.pass(20);

    expect(regular).toBeGreaterThanOrEqual(8);
    expect(regular).toBeLessThanOrEqual(24);
    expect(phone.reportTypes.slice(0, regular).every((types) => types.join() === '200,202')).toBe(true);
    expect(phone.reportTypes.at(-1)).toEqual([200, 202, 203]);
  });

  test('tell the round trip, what the peer lost, our own jitter and loss', async () => {
    const { bench, phone } = await openRtpCall();
    const peer = new RtcpSession({ ssrc: phone.ssrc, cname: 'phone', below: () => 0 });
    const heard = new ReceiverStatistics(8000);
    let answered = 0;
    bench.network = (packet) => packet.readUInt16BE(2) % 10 !== 0;
    for (let second = 0; second < 12; second++) {
      await bench.pass(1000);
      for (const { sequence, timestamp, ssrc } of phone.packets.splice(0)) {
        peer.remoteSsrc = ssrc;
        if (sequence % 4 !== 0) heard.receive(sequence, timestamp, bench.clock.nowMs());
      }
      const report = phone.reports[answered];
      if (report === undefined) continue;
      answered++;
      peer.receive(report, bench.clock.nowMs());
      const answer = peer.report({ packets: 1, octets: 160, timestamp: 0 }, heard, {
        nowMs: bench.clock.nowMs(),
        epochMs: bench.clock.nowMs(),
      });
      await bench.pass(80);
      bench.leg.receiveRtcp(answer, { address: '127.0.0.1', port: 40_001 }, bench.clock.nowMs());
    }
    bench.leg.close(bench.clock.nowMs());

    expect(answered).toBeGreaterThan(0);
    expect(bench.stats?.roundTripMs).toBeGreaterThanOrEqual(79);
    expect(bench.stats?.peerLossShare).toBeGreaterThan(0.15);
    expect(bench.stats?.jitterMs).toBeLessThan(1);
    expect(bench.stats?.packetsLost).toBeGreaterThanOrEqual(55);
    expect(bench.stats).toMatchObject({ codec: 'PCMU', remote: '127.0.0.1:40000', isLatched: true });
  });

  test('of strangers are refused, and those by the RTP port are read where that was agreed on', async () => {
    const mux = agreed('PCMU', { hasRtcpMux: true });
    const { bench, phone } = await openRtpCall({ media: mux });
    const peer = new RtcpSession({ ssrc: phone.ssrc, cname: 'phone', below: () => 0 });
    const report = Buffer.from(
      peer.report({ packets: 1, octets: 160, timestamp: 0 }, new ReceiverStatistics(8000), { nowMs: 0, epochMs: 0 }),
    );

    bench.leg.receiveRtp(report, bench.from, bench.clock.nowMs());
    expect(readCounters(bench.counters)).toMatchObject({ malformed: 0, strangers: 0 });
    bench.leg.receiveRtcp(report, { address: '127.0.0.3', port: 40_001 }, bench.clock.nowMs());
    bench.leg.receiveRtcp(Buffer.from('80c9', 'hex'), bench.from, bench.clock.nowMs());

    expect(readCounters(bench.counters)).toMatchObject({ malformed: 1, strangers: 1 });
  });
});

describe('at the end', () => {
  test('every gauge is back at zero, nothing has a turn, and what still comes does nothing', async () => {
    const { bench, counters, notes } = await openRtpCall();
    expect(counters().activeCalls).toBe(1);

    bench.leg.end({ type: 'peer_closed' }, bench.clock.nowMs());
    bench.plane.release(bench.leg);
    bench.leg.end({ type: 'closed_by_us' }, bench.clock.nowMs());
    bench.leg.update(agreed(), bench.clock.nowMs());
    bench.leg.sendDigits('1');
    bench.leg.socketError();
    await bench.pass(100);

    expect(notes.ends).toEqual([{ type: 'peer_closed' }]);
    expect(counters()).toMatchObject({ activeCalls: 0, framesInUse: 0, socketErrors: 1 });
    expect(bench.plane.nextDueMs()).toBeNull();
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('noise instead of packets harms nothing', async () => {
    const { bench, notes } = await openRtpCall();
    const random = new SeededRandom(42);

    for (let count = 0; count < 2000; count++) {
      const bytes = Buffer.from(random.bytes(random.below(80)));
      if (count % 2 === 0 && bytes.length > 1) bytes[0] = 0x80 | (bytes[0] as number & 0x3f);
      bench.leg.receiveRtp(bytes, bench.from, bench.clock.nowMs());
      bench.leg.receiveRtcp(Buffer.from(random.bytes(random.below(80))), bench.from, bench.clock.nowMs());
    }
    await bench.pass(100);

    expect(notes.ends).toEqual([]);
  });
});
