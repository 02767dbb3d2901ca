import { expect, test } from 'vitest';
import { LossConcealer } from './loss-concealer.ts';

const RATE = 8000;

/** 125 Hz with a strong overtone: 64 samples a period. */
function voice(samples: number, from = 0): Int16Array {
  return Int16Array.from({ length: samples }, (_, index) => {
    const turn = (2 * Math.PI * (from + index)) / 64;
    return Math.round(6000 * Math.sin(turn) + 3000 * Math.sin(3 * turn));
  });
}

test('a voice goes on in step with itself, a little quieter by the end of the frame', () => {
  const concealer = new LossConcealer(RATE);
  const made = new Int16Array(160);

  concealer.begin(voice(160), 160);
  concealer.fill(made, 160, 0);

  const real = voice(160, 160);
  for (let at = 0; at < 160; at++) {
    expect(Math.abs((made[at] as number) - (real[at] as number) * (1 - at / 320))).toBeLessThanOrEqual(1);
  }
});

test('it has faded away after 60 ms', () => {
  const concealer = new LossConcealer(RATE);
  const made = new Int16Array(160);
  concealer.begin(voice(160), 160);

  const peaks = [0, 1, 2, 3].map((index) => {
    concealer.fill(made, 160, index);
    return Math.max(...made.map(Math.abs));
  });

  expect(peaks[0]).toBeGreaterThan(5000);
  expect(peaks[1]).toBeLessThan(4000);
  expect(peaks[2]).toBeLessThan(1600);
  expect(peaks[3]).toBe(0);
});

test.each([0, 1, 39, 80])('with only %i samples heard before, it makes what it can', (count) => {
  const concealer = new LossConcealer(RATE);
  const made = new Int16Array(160).fill(99);

  concealer.begin(new Int16Array(count).fill(500), count);
  concealer.fill(made, 160, 0);

  expect(made[0]).toBe(count === 0 ? 0 : 500);
});
