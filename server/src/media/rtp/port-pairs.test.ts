import { describe, expect, test } from 'vitest';
import { PortPairs } from './port-pairs.ts';

function pairs(start: number, end: number, first = 0): PortPairs {
  return new PortPairs({ start, end }, () => first);
}

describe('port pairs', () => {
  test('begin at an even port, also when the range does not, and end where a pair still fits', () => {
    const ports = pairs(10_001, 10_006);

    expect([ports.take(0), ports.take(0), ports.take(0)]).toEqual([10_002, 10_004, null]);
  });

  test('begin at a random one and go round', () => {
    const ports = pairs(10_000, 10_007, 2);

    expect([ports.take(0), ports.take(0), ports.take(0), ports.take(0)]).toEqual([10_004, 10_006, 10_000, 10_002]);
  });

  test('a freed pair rests for 30 s', () => {
    const ports = pairs(10_000, 10_001);
    ports.take(0);
    ports.free(10_000, 1000);

    expect(ports.take(30_999)).toBeNull();
    expect(ports.take(31_000)).toBe(10_000);
  });

  test('each waits for its turn, so that a freed one is used last', () => {
    const ports = pairs(10_000, 10_005);
    ports.take(0);
    ports.free(10_000, 0);

    expect([ports.take(60_000), ports.take(60_000), ports.take(60_000)]).toEqual([10_002, 10_004, 10_000]);
  });

  test('one that another program holds is stepped over, and tried again next time round', () => {
    const ports = pairs(10_000, 10_003);
    ports.take(0);
    ports.stepOver(10_000);

    expect([ports.take(0), ports.take(0)]).toEqual([10_002, 10_000]);
  });

  test('leases are counted, and freeing twice changes nothing', () => {
    const ports = pairs(10_000, 10_007);
    ports.take(0);
    ports.take(0);
    ports.free(10_000, 0);
    ports.free(10_000, 5000);

    expect(ports.leased).toBe(1);
  });

  test('a range without a pair has none', () => {
    expect(pairs(10_001, 10_002).take(0)).toBeNull();
  });
});
