import { describe, expect, test } from 'vitest';
import { concat, fitSine, sine, whiteNoise } from '../../test/signals/signals.ts';
import { BandExtension } from './band-extension.ts';

describe('band extension', () => {
  test.each([
    [1_000, 7_000],
    [2_500, 5_500],
    [3_400, 4_600],
  ])('%i Hz stays as it is and sounds again at %i Hz with a gain of 0.4', (low, image) => {
    const output = new BandExtension().convert(sine(low, 8_000, 16_000)).subarray(1_000);

    expect(fitSine(output, low, 16_000).amplitude / 20_000).toBeCloseTo(1, 1);
    expect(fitSine(output, image, 16_000).amplitude / 20_000).toBeCloseTo(0.4, 1);
  });

  test('without an image it is a plain rise of the rate', () => {
    const output = new BandExtension(0).convert(sine(1_000, 8_000, 16_000)).subarray(1_000);

    expect(fitSine(output, 1_000, 16_000).snrDb).toBeGreaterThan(60);
  });

  test('chunks of any length give the samples of one piece', () => {
    const input = whiteNoise(1_000, 10_000);
    const whole = new BandExtension().convert(input);
    const extension = new BandExtension();

    const parts = [0, 1, 8, 300, 300, 999].map((end, index, ends) =>
      extension.convert(input.subarray(ends[index - 1] ?? 0, Math.max(end, ends[index - 1] ?? 0))),
    );

    expect(concat(...parts)).toEqual(whole.subarray(0, 1_998));
  });

  test('after a reset nothing of the old audio sounds', () => {
    const extension = new BandExtension();
    extension.convert(whiteNoise(100, 10_000));
    extension.reset();

    expect(extension.convert(new Int16Array(50))).toEqual(new Int16Array(100));
  });

  test('loud audio is limited, not wrapped around', () => {
    const output = new BandExtension().convert(Int16Array.from({ length: 100 }, () => 32_767));

    expect(Math.max(...output.subarray(80))).toBe(32_767);
    expect(Math.min(...output.subarray(80))).toBeGreaterThan(0);
  });

  test('too small an output is refused', () => {
    expect(() => new BandExtension().process(new Int16Array(10), new Int16Array(19))).toThrow('20 are needed');
  });
});
