import { describe, expect, test } from 'vitest';
import { ComfortNoise, readNoiseLevel } from './comfort-noise.ts';
import { ReceiverStatistics } from './receiver-statistics.ts';
import { type ArrivedPacket, ReorderBuffer } from './reorder-buffer.ts';
import { RtcpSession } from './rtcp.ts';
import { isRtcp, patchRtpHeader, RtpView, writeRtpHeader } from './rtp-packet.ts';
import { Unwrapper } from './unwrap.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replace(/\s/g, ''), 'hex'));

describe('packets (RFC 3550, 5.1)', () => {
  test('sources, extension and padding are stepped over', () => {
    const view = new RtpView();
    const packet = bytes('b2 80 0001 00000002 deadbeef 11111111 22222222 bede 0001 aabbccdd 7f7f 000003');

    expect(view.parse(packet)).toBe(true);
    expect(view).toMatchObject({ marker: true, payloadType: 0, sequence: 1, timestamp: 2, ssrc: 0xdeadbeef });
    expect([...packet.subarray(view.payloadStart, view.payloadEnd)]).toEqual([0x7f, 0x7f]);
  });

  test.each([
    ['shorter than a header', '80000001000000020000'],
    ['another version', '40000001 00000002 00000003'],
    ['more sources than bytes', '8f000001 00000002 00000003'],
    ['an extension beyond the end', '90000001 00000002 00000003 bede0009'],
    ['padding longer than the packet', 'a0000001 00000002 00000003 ff'],
    ['padding of zero', 'a0000001 00000002 00000003 00'],
  ])('%s is no packet', (_, hex) => {
    expect(new RtpView().parse(bytes(hex))).toBe(false);
  });

  test('a header is written once and patched in place', () => {
    const packet = new Uint8Array(14);
    writeRtpHeader(packet, { payloadType: 8, ssrc: 0xfffffffe });

    patchRtpHeader(packet, 65_536 + 5, 2 ** 32 + 7, true);

    expect(Buffer.from(packet).toString('hex')).toBe('8088000500000007fffffffe0000');
  });

  test('RTCP on the same port is told apart by its type (RFC 5761)', () => {
    expect([isRtcp(bytes('80c8000100000000')), isRtcp(bytes('8080000100000000')), isRtcp(bytes('80c8'))]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('unwrapping', () => {
  test('a sequence number counts on beyond 65535, stragglers before the wrap included', () => {
    const unwrapper = new Unwrapper(16);

    expect([65_534, 65_535, 0, 65_533, 1].map((value) => unwrapper.unwrap(value))).toEqual([
      65_534, 65_535, 65_536, 65_533, 65_537,
    ]);
  });

  test('a timestamp counts on beyond 2^32', () => {
    const unwrapper = new Unwrapper(32);

    expect([4_294_967_200, 64, 224].map((value) => unwrapper.unwrap(value))).toEqual([
      4_294_967_200, 4_294_967_360, 4_294_967_520,
    ]);
  });
});

describe('reordering', () => {
  test('what comes in order goes through at once', () => {
    const { push, out } = buffer();

    push(1, 0);
    push(2, 20);

    expect(out).toEqual(['1', '2']);
  });

  test('a swapped pair comes out in order', () => {
    const { push, out, counters } = buffer();

    push(1, 0);
    push(3, 20);
    push(2, 25);

    expect(out).toEqual(['1', '2', '3']);
    expect(counters.reordered).toBe(1);
  });

  test('a gap is waited for twice the jitter, then told', () => {
    const { push, out, advance } = buffer(10);
    push(1, 0);
    push(3, 40);

    advance(59);
    expect(out).toEqual(['1']);
    advance(60);
    expect(out).toEqual(['1', 'lost 1', '3']);
  });

  test('but never over 60 ms', () => {
    const { push, out, advance } = buffer(500);
    push(1, 0);
    push(3, 40);

    advance(99);
    expect(out).toEqual(['1']);
    advance(100);
    expect(out).toEqual(['1', 'lost 1', '3']);
  });

  test('a late packet and a repeated one are dropped and counted', () => {
    const { push, advance, out, counters } = buffer(10);
    push(1, 0);
    push(3, 20);
    push(3, 21);
    advance(40);
    push(2, 50);

    expect(out).toEqual(['1', 'lost 1', '3']);
    expect(counters).toMatchObject({ late: 1, duplicates: 1, lost: 1 });
  });

  test('two gaps are told one after the other', () => {
    const { push, advance, out } = buffer(10);
    for (const sequence of [1, 3, 6]) push(sequence, 0);

    advance(20);
    advance(40);

    expect(out).toEqual(['1', 'lost 1', '3', 'lost 2', '6']);
  });

  test('a jump of over a second is a new start, not a loss', () => {
    const { push, out, counters } = buffer();
    push(1, 0);
    push(20_000, 20);
    push(20_001, 40);

    expect(out).toEqual(['1', '20000', '20001']);
    expect(counters).toMatchObject({ resyncs: 1, lost: 0 });
  });

  test('a hole wider than the buffer does not stop what follows', () => {
    const { push, out, counters } = buffer();
    push(1, 0);
    push(40, 20);

    expect(out).toEqual(['1', 'lost 38', '40']);
    expect(counters.lost).toBe(38);
  });

  test('bytes held are a copy: the socket may use its buffer again', () => {
    const { push, out, shared } = buffer();
    push(1, 0);
    push(3, 0);
    shared[0] = 99;
    push(2, 0);

    expect(out).toEqual(['1', '2', '3']);
  });

  test('any order of arrival comes out rising, each number at most once', () => {
    let state = 7;
    const random = (limit: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % limit;
    };
    const { push, advance, out } = buffer(30);
    for (let i = 0; i < 3000; i++) {
      push(Math.max(0, i + random(7) - 3), i * 5);
      advance(i * 5);
    }

    const numbers = out.filter((text) => !text.startsWith('lost')).map(Number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers.length).toBeGreaterThan(1500);
  });
});

describe('statistics (RFC 3550, A.3 and A.8)', () => {
  test('loss is counted over the whole and per interval', () => {
    const statistics = new ReceiverStatistics(8000);
    for (const sequence of [10, 11, 13]) statistics.receive(sequence, sequence * 160, sequence * 20);

    expect([statistics.lost, statistics.takeFractionLost(), statistics.takeFractionLost()]).toEqual([1, 64, 0]);
  });

  test('jitter follows the difference of transit times by a sixteenth', () => {
    const statistics = new ReceiverStatistics(8000);

    statistics.receive(1, 0, 0);
    statistics.receive(2, 160, 36);

    expect([statistics.jitter, statistics.jitterMs]).toEqual([8, 1]);
  });
});

describe('RTCP (RFC 3550, 6)', () => {
  const time = (ms: number) => ({ nowMs: ms, epochMs: 1_790_000_000_000 + ms });

  test('two sides find the round trip and the loss', () => {
    const [a, b] = [session(1), session(2)];
    const none = new ReceiverStatistics(8000);
    const heardByB = new ReceiverStatistics(8000);
    for (const sequence of [1, 2, 4, 5]) heardByB.receive(sequence, sequence * 160, sequence * 20);
    b.remoteSsrc = 1;

    b.receive(a.report({ packets: 5, octets: 800, timestamp: 960 }, none, time(0)), 1030);
    const back = b.report({ packets: 0, octets: 0, timestamp: 0 }, heardByB, time(1530));
    a.receive(back, 560);

    expect(a.peerReport.roundTripMs).toBeCloseTo(60, 0);
    expect(a.peerReport.lossShare).toBeCloseTo(0.199, 2);
  });

  test('BYE is heard, of our peer only', () => {
    const [a, b] = [session(1), session(2)];
    const none = new ReceiverStatistics(8000);
    const bye = a.bye({ packets: 0, octets: 0, timestamp: 0 }, none, time(0));

    b.remoteSsrc = 1;
    expect(b.receive(bye, 0)).toBe('bye');
    b.remoteSsrc = 77;
    expect(b.receive(bye, 0)).toBe('report');
  });

  test('noise is malformed, not thrown at', () => {
    let state = 3;
    for (let run = 0; run < 2000; run++) {
      const noise = Uint8Array.from({ length: run % 60 }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state >>> 24;
      });
      if (noise.length > 1) noise.set([0x80 | (run % 32), 192 + (run % 32)]);
      expect(['report', 'bye', 'malformed']).toContain(session(1).receive(noise, 0));
    }
  });

  test('reports come 2.5 to 7.5 s apart', () => {
    expect([session(1, 0).nextIntervalMs(), session(1, 5000).nextIntervalMs()]).toEqual([2500, 7500]);
  });
});

describe('comfort noise (RFC 3389)', () => {
  test('the first byte is the level below full scale', () => {
    expect([
      readNoiseLevel(bytes('28'), 0, 1),
      readNoiseLevel(bytes('c0ff'), 0, 2),
      readNoiseLevel(bytes(''), 0, 0),
    ]).toEqual([-40, -64, undefined]);
  });

  test('noise has the level asked for', () => {
    const samples = new Int16Array(8000);

    new ComfortNoise(1).fill(samples, -40);

    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    expect(10 * Math.log10(power / 32_767 ** 2)).toBeCloseTo(-40, 0);
  });
});

function session(ssrc: number, below = 0): RtcpSession {
  return new RtcpSession({ ssrc, cname: 'c', below: () => below });
}

function buffer(jitterMs = 5) {
  const out: string[] = [];
  const reorder = new ReorderBuffer(8000, {
    packet: (data, start, end) =>
      out.push(`${new DataView(data.buffer, data.byteOffset + start, end - start).getUint32(0)}`),
    lost: (count) => out.push(`lost ${count}`),
  });
  const shared = new Uint8Array(4);
  const packet: ArrivedPacket = { bytes: shared, start: 0, end: 4, sequence: 0, timestamp: 0 };
  const push = (sequence: number, nowMs: number) => {
    new DataView(shared.buffer).setUint32(0, sequence);
    packet.sequence = sequence;
    packet.timestamp = sequence * 160;
    reorder.push(packet, nowMs, jitterMs);
  };
  return { push, out, shared, counters: reorder.counters, advance: (nowMs: number) => reorder.advanceTo(nowMs) };
}
