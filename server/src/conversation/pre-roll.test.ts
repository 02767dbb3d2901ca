import { expect, test } from 'vitest';
import { PreRoll } from './pre-roll.ts';

test('the newest samples come back in order, however they were cut and wherever the ring stands', () => {
  for (const size of [1, 3, 7, 10, 23]) {
    const preRoll = new PreRoll(10);
    const stream = Int16Array.from({ length: 57 }, (_sample, index) => index);

    for (let at = 0; at < stream.length; at += size) preRoll.write(stream.subarray(at, at + size));

    expect(Array.from(preRoll.last(4))).toEqual([53, 54, 55, 56]);
    expect(Array.from(preRoll.last(99))).toEqual([47, 48, 49, 50, 51, 52, 53, 54, 55, 56]);
  }
});

test('before it is full it gives what there is', () => {
  const preRoll = new PreRoll(10);

  preRoll.write(Int16Array.of(1, 2, 3));

  expect(Array.from(preRoll.last(10))).toEqual([1, 2, 3]);
  expect(Array.from(preRoll.last(0))).toEqual([]);
});
