import { expect, test } from 'vitest';
import { sine } from '../../test/signals/signals.ts';
import { gainOf, levelDb } from './level.ts';

test('a full-scale square wave has 0 dBFS, a full-scale sine -3', () => {
  expect(levelDb(Int16Array.from({ length: 160 }, (_, index) => (index % 2 ? 32_767 : -32_768)))).toBeCloseTo(0, 3);
  expect(levelDb(sine(1_000, 8_000, 800, 32_767))).toBeCloseTo(-3.01, 2);
});

test('half the amplitude is 6 dB less', () => {
  expect(levelDb(sine(1_000, 8_000, 800, 16_000)) - levelDb(sine(1_000, 8_000, 800, 8_000))).toBeCloseTo(6.02, 1);
});

test('silence and no samples at all have the lowest level, not minus infinity', () => {
  expect(levelDb(new Int16Array(160))).toBe(-100);
  expect(levelDb(new Int16Array(0))).toBe(-100);
});

test('a gain of -20 dB is a tenth', () => {
  expect(gainOf(-20)).toBeCloseTo(0.1, 12);
});
