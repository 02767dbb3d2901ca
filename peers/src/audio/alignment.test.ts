import { describe, expect, test } from 'vitest';
import { seededRandom } from '../seeded-random.ts';
import { coverage } from './alignment.ts';

// Four pieces of noise of half a second, a pause of 100 ms after each: speech as far as alignment cares.
const random = seededRandom(7);
const reference = Int16Array.from({ length: 4 * 4_800 }, (_, index) =>
  index % 4_800 < 4_000 ? Math.round(16_000 * (random() - 0.5)) : 0,
);

describe('a recording against its reference', () => {
  test('the same with pauses put in has lost nothing', () => {
    const paused = joined([0, 5_600], 4_000, [5_600, 19_200]);

    expect(coverage(paused, reference)).toMatchObject({ missingMs: 0, repeatedMs: 0, repeatedPieces: 0, strangeMs: 0 });
  });

  test('200 ms left out are missing', () => {
    const cut = joined([0, 5_600], 4_000, [7_200, 19_200]);

    expect(coverage(cut, reference)).toMatchObject({ missingMs: 200, repeatedMs: 0, strangeMs: 0 });
  });

  test('300 ms said again are repeated, but no whole piece', () => {
    const again = joined([0, 8_000], 4_000, [5_600, 19_200]);

    expect(coverage(again, reference)).toMatchObject({ missingMs: 0, repeatedMs: 300, repeatedPieces: 0 });
  });

  test('a whole piece said again is counted as such', () => {
    const again = joined([0, 9_600], 4_000, [4_800, 19_200]);

    expect(coverage(again, reference)).toMatchObject({ missingMs: 0, repeatedMs: 500, repeatedPieces: 1 });
  });

  test('a recording that ends early lacks nothing before its end', () => {
    expect(coverage(reference.slice(0, 8_000), reference)).toMatchObject({ missingMs: 0, reachedMs: 1_000 });
  });

  test('another sound is strange', () => {
    const other = Int16Array.from({ length: 1_600 }, () => Math.round(16_000 * (random() - 0.5)));

    expect(coverage(other, reference).strangeMs).toBe(200);
  });
});

function joined(first: readonly [number, number], pause: number, second: readonly [number, number]): Int16Array {
  const parts = [reference.subarray(...first), new Int16Array(pause), reference.subarray(...second)];
  return Int16Array.from(parts.flatMap((part) => [...part]));
}
