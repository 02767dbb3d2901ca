import { describe, expect, test } from 'vitest';
import { systemClock } from './system-clock.ts';
import { systemRandom } from './system-random.ts';

describe('the system clock', () => {
  test('a timer never fires before its time on the same clock', async () => {
    const startedAtMs = systemClock.nowMs();

    await new Promise<void>((resolve) => void systemClock.after(5.4, resolve));

    expect(systemClock.nowMs() - startedAtMs).toBeGreaterThanOrEqual(5.4);
  });

  test('a cancelled timer does not fire, and cancelling again is fine', async () => {
    let fired = false;
    const timer = systemClock.after(0, () => {
      fired = true;
    });
    timer.cancel();
    timer.cancel();

    await new Promise<void>((resolve) => void systemClock.after(5, resolve));

    expect(fired).toBe(false);
  });
});

describe('the system randomness', () => {
  test('below stays below, for the smallest and the largest limit', () => {
    expect(systemRandom.below(1)).toBe(0);
    const large = Array.from({ length: 200 }, () => systemRandom.below(Number.MAX_SAFE_INTEGER));
    expect(large.every((n) => Number.isSafeInteger(n) && n >= 0)).toBe(true);
    // Each draw exceeds 2^48 with a probability of 31/32: that all 200 stay under it does not happen.
    expect(Math.max(...large)).toBeGreaterThan(2 ** 48);
  });

  test('every number of a small range comes', () => {
    expect(new Set(Array.from({ length: 500 }, () => systemRandom.below(6)))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53])('below %d is refused', (limit) => {
    expect(() => systemRandom.below(limit)).toThrow(RangeError);
  });

  test('uuids and bytes have their form', () => {
    expect(systemRandom.uuid()).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(systemRandom.bytes(32)).toHaveLength(32);
    expect(systemRandom.bytes(5_000)).toHaveLength(5_000);
  });

  test('bytes are given out once, and stay as they were', () => {
    const drawn = Array.from({ length: 2_000 }, () => systemRandom.bytes(12));
    const texts = drawn.map((bytes) => Buffer.from(bytes).toString('hex'));
    systemRandom.bytes(4_096);

    expect(new Set(texts).size).toBe(2_000);
    expect(drawn.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(texts);
  });
});
