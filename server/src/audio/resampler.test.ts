import { describe, expect, test } from 'vitest';
import { concat, fitSine, sine, whiteNoise } from '../../test/signals/signals.ts';
import { levelDb } from './level.ts';
import { Resampler, resampleWhole } from './resampler.ts';

const RATES = [8_000, 16_000, 24_000, 48_000] as const;
const PAIRS: readonly (readonly [number, number])[] = [
  ...RATES.flatMap((from) => RATES.filter((to) => to !== from).map((to) => [from, to] as const)),
  [22_050, 8_000],
  [44_100, 8_000],
];
const FALLING = PAIRS.filter(([from, to]) => to < from);
const RISING = PAIRS.filter(([from, to]) => to > from);
/** Peak of the test tones: -1 dBFS. */
const LOUD = 29_000;

describe('quality', () => {
  test.each(PAIRS)('%i -> %i Hz: a 1 kHz tone keeps its level and stands 80 dB above all else', (from, to) => {
    const fitted = fitSine(steady(from, to, 1_000), 1_000, to);

    expect(fitted.snrDb).toBeGreaterThan(80);
    expect(20 * Math.log10(fitted.amplitude / LOUD)).toBeCloseTo(0, 1);
  });

  test.each(PAIRS)(
    '%i -> %i Hz: 3 kHz loses less than 0.1 dB, 3.4 kHz, the end of the telephone band, 1 dB',
    (from, to) => {
      expect(gainDb(steady(from, to, 3_000), 3_000, to)).toBeGreaterThan(-0.1);
      expect(gainDb(steady(from, to, 3_400), 3_400, to)).toBeGreaterThan(-1.1);
    },
  );

  test.each(FALLING)('%i -> %i Hz: a tone 1 kHz too high for the new rate is 66 dB down', (from, to) => {
    const alias = steady(from, to, to / 2 + 1_000);

    expect(levelDb(alias) - levelDb(sine(1_000, to, to, LOUD))).toBeLessThan(-66);
  });

  test.each([
    [48_000, 16_000, -70],
    [24_000, 16_000, -70],
    [48_000, 24_000, -54],
    [44_100, 24_000, -54],
    [24_000, 8_000, -65],
    [16_000, 8_000, -65],
  ])('%i -> %i Hz: a tone only 300 Hz too high is %i dB down', (from, to, db) => {
    const alias = steady(from, to, to / 2 + 300);

    expect(levelDb(alias) - levelDb(sine(1_000, to, to, LOUD))).toBeLessThan(db);
  });

  test.each(RISING)('%i -> %i Hz: the mirror image of a tone is 66 dB down', (from, to) => {
    const image = fitSine(steady(from, to, from / 2 - 1_000), from / 2 + 1_000, to);

    expect(20 * Math.log10(image.amplitude / LOUD)).toBeLessThan(-66);
  });

  test('the loudest square wave is limited, not wrapped around', () => {
    const square = Int16Array.from({ length: 800 }, (_, index) => (index % 40 < 20 ? 32_767 : -32_768));

    const output = new Resampler(8_000, 16_000).convert(square);

    const shifted = output.subarray(32);
    for (let index = 1; index < 760; index++) {
      const inside = index % 80;
      if (inside > 10 && inside < 30) expect(shifted[index]).toBeGreaterThan(25_000);
    }
  });
});

describe('streams', () => {
  test.each(PAIRS)('%i -> %i Hz: chunks of any length give the samples of one piece', (from, to) => {
    const input = whiteNoise(from / 10, 20_000);
    const whole = new Resampler(from, to).convert(input);

    const resampler = new Resampler(from, to);
    const parts: Int16Array[] = [];
    let size = 1;
    for (let at = 0; at < input.length; at += size) {
      size = (size * 7 + 3) % 1_000;
      parts.push(resampler.convert(input.subarray(at, at + size)));
    }

    expect(concat(...parts)).toEqual(whole);
  });

  test.each(PAIRS)('%i -> %i Hz: 20 ms in, 20 ms out; the told length is the written one', (from, to) => {
    const resampler = new Resampler(from, to);
    const output = new Int16Array(to / 50 + 1);
    let written = 0;
    for (let frame = 0; frame < 50; frame++) {
      const told = resampler.outputLength(from / 50);
      const count = resampler.process(new Int16Array(from / 50), output);
      expect(count).toBe(told);
      written += count;
    }

    expect(written).toBe(to);
  });

  test('too small an output is refused and nothing of the input is lost', () => {
    const input = whiteNoise(160, 20_000);
    const resampler = new Resampler(8_000, 16_000);

    expect(() => resampler.process(input, new Int16Array(319))).toThrow('holds 319 samples, 320 are needed');
    expect(resampler.convert(input)).toEqual(new Resampler(8_000, 16_000).convert(input));
  });

  test('after a reset nothing of the old stream sounds', () => {
    const resampler = new Resampler(24_000, 8_000);
    resampler.convert(whiteNoise(485, 20_000));

    resampler.reset();

    expect(resampler.convert(new Int16Array(480))).toEqual(new Int16Array(160));
  });

  test('a flush gives the tail and starts anew', () => {
    const resampler = new Resampler(16_000, 8_000);
    const input = sine(400, 16_000, 1_600);
    const body = resampler.convert(input);
    const tail = resampler.flush();

    expect(tail.length).toBe(16);
    expect(Math.max(...tail)).toBeGreaterThan(5_000);
    expect(resampler.convert(input)).toEqual(body);
  });

  test('an empty chunk gives nothing and changes nothing', () => {
    const resampler = new Resampler(8_000, 48_000);

    expect(resampler.convert(new Int16Array(0)).length).toBe(0);
    expect(resampler.convert(new Int16Array(160)).length).toBe(960);
  });

  test('equal rates copy, without delay', () => {
    const resampler = new Resampler(8_000, 8_000);

    expect([...resampler.convert(Int16Array.of(1, -2, 3))]).toEqual([1, -2, 3]);
    expect(resampler.delayMs).toBe(0);
  });

  test('the delay told is the delay there is', () => {
    const resampler = new Resampler(8_000, 16_000);
    const output = resampler.convert(Int16Array.from({ length: 160 }, (_, index) => (index === 20 ? 20_000 : 0)));

    const peak = output.indexOf(Math.max(...output));

    expect((peak - 40) / 16).toBeCloseTo(resampler.delayMs, 1);
    expect(resampler.delayMs).toBeLessThan(2.1);
  });
});

describe('whole recordings', () => {
  test.each(PAIRS)('%i -> %i Hz: the length follows the rates and the sound stays in its place', (from, to) => {
    const silence = new Int16Array(from / 10);
    const input = concat(silence, sine(1_000, from, from / 10), silence);

    const output = resampleWhole(input, from, to);

    expect(output.length).toBe((to * 3) / 10);
    expect(levelDb(output.subarray(0, to * 0.099))).toBeLessThan(-60);
    expect(levelDb(output.subarray(to * 0.101, to * 0.199))).toBeGreaterThan(-8);
    expect(levelDb(output.subarray(to * 0.201))).toBeLessThan(-60);
  });
});

describe('wrong use', () => {
  test.each([0, -8_000, 8_000.5, Number.NaN])('a rate of %d is refused', (rate) => {
    expect(() => new Resampler(rate, 8_000)).toThrow(RangeError);
    expect(() => new Resampler(8_000, rate)).toThrow(RangeError);
  });

  test('rates without a useful ratio are refused instead of filling the memory', () => {
    expect(() => new Resampler(8_000, 44_101)).toThrow('No filter for 8000 -> 44101 Hz');
  });
});

/** One second of a tone after conversion in 20 ms chunks, without its start. */
function steady(from: number, to: number, hz: number): Int16Array {
  const resampler = new Resampler(from, to);
  const input = sine(hz, from, from * 1.1, LOUD);
  const parts: Int16Array[] = [];
  for (let at = 0; at < input.length; at += from / 50)
    parts.push(resampler.convert(input.subarray(at, at + from / 50)));
  return concat(...parts).subarray(to / 10, to / 10 + to);
}

function gainDb(output: Int16Array, hz: number, rate: number): number {
  return 20 * Math.log10(fitSine(output, hz, rate).amplitude / LOUD);
}
