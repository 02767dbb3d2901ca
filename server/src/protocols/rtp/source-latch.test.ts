import { describe, expect, test } from 'vitest';
import { SourceLatch } from './source-latch.ts';

const PEER = '192.0.2.9:4000';
const NAT = '203.0.113.5:40000';
const THIEF = '198.51.100.66:9';

describe('latching onto a source', () => {
  test('four packets in a row prove a source behind NAT', () => {
    const latch = new SourceLatch(PEER);

    expect([1, 2, 3, 4, 5].map((sequence) => latch.judge(NAT, 7, sequence, 0))).toEqual([
      'learning',
      'learning',
      'learning',
      'latched',
      'accepted',
    ]);
  });

  test('the signalled address is believed after two', () => {
    const latch = new SourceLatch(PEER);

    expect([1, 2].map((sequence) => latch.judge(PEER, 7, sequence, 0))).toEqual(['learning', 'latched']);
  });

  test('a stranger does not get in between while the signalled address is learnt', () => {
    const latch = new SourceLatch(PEER);
    latch.judge(PEER, 7, 1, 0);

    expect(latch.judge(THIEF, 9, 1, 0)).toBe('stranger');
    expect(latch.judge(PEER, 7, 2, 0)).toBe('latched');
  });

  test('another SSRC or a gap starts the proof again', () => {
    const latch = new SourceLatch(PEER);
    for (const [ssrc, sequence] of [
      [7, 1],
      [7, 2],
      [8, 3],
      [8, 5],
      [8, 6],
      [8, 7],
    ] as const)
      latch.judge(NAT, ssrc, sequence, 0);

    expect(latch.source).toBeUndefined();
    expect(latch.judge(NAT, 8, 8, 0)).toBe('latched');
  });

  test('once latched, others are refused, with the same SSRC too', () => {
    const latch = latched();

    expect(latch.judge(THIEF, 7, 5, 1000)).toBe('stranger');
    expect(latch.source).toBe(NAT);
  });

  test('after two seconds of silence a source that goes on in sequence takes over', () => {
    const latch = latched();

    expect(latch.judge(THIEF, 8, 5, 2001)).toBe('stranger');
    expect(latch.judge(THIEF, 7, 30_000, 2001)).toBe('stranger');
    expect(latch.judge('203.0.113.5:40001', 7, 90, 2001)).toBe('latched');
    expect(latch.source).toBe('203.0.113.5:40001');
  });

  test('the sequence number may wrap while learning', () => {
    const latch = new SourceLatch(PEER);

    expect([65_534, 65_535, 0, 1].map((sequence) => latch.judge(NAT, 7, sequence, 0)).at(-1)).toBe('latched');
  });
});

function latched(): SourceLatch {
  const latch = new SourceLatch(PEER);
  for (const sequence of [1, 2, 3, 4]) latch.judge(NAT, 7, sequence, 0);
  return latch;
}
