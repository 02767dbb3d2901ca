import { describe, expect, test } from 'vitest';
import { atLevel, levelDbfs } from './level.ts';
import { decodeMuLaw, encodeMuLaw } from './mu-law.ts';
import { resampled } from './resample.ts';

describe('levels', () => {
  test('full scale is 0 dBFS, a thousandth is -60, nothing is -100', () => {
    expect(levelDbfs(new Int16Array(160).fill(-32768))).toBe(0);
    expect(levelDbfs(new Int16Array(160).fill(33))).toBeCloseTo(-59.94, 2);
    expect(levelDbfs(new Int16Array(160))).toBe(-100);
  });

  test('a sound is brought to a level', () => {
    expect(levelDbfs(atLevel(tone(440, 8_000), -20))).toBeCloseTo(-20, 1);
  });
});

describe('rates', () => {
  test('16 kHz to 8 kHz keeps a tone of 1 kHz and takes away one of 6 kHz', () => {
    const kept = resampled({ samples: tone(1_000, 16_000), sampleRate: 16_000 }, 8_000);
    const gone = resampled({ samples: tone(6_000, 16_000), sampleRate: 16_000 }, 8_000);

    expect(levelDbfs(kept, 100, 700)).toBeCloseTo(-9.03, 1);
    expect(levelDbfs(gone, 100, 700)).toBeLessThan(-60);
  });
});

describe('μ-law', () => {
  test('the values of G.711', () => {
    expect([0, -1, 32767, -32768, 1_000, -1_000].map(encodeMuLaw)).toEqual([0xff, 0x7f, 0x80, 0x00, 0xce, 0x4e]);
    expect([0xff, 0x7f, 0x80, 0x00, 0xce].map(decodeMuLaw)).toEqual([0, -0, 32124, -32124, 988]);
  });

  test('every byte but negative zero comes back as itself', () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 0x7f);

    expect(bytes.map((byte) => encodeMuLaw(decodeMuLaw(byte)))).toEqual(bytes);
  });
});

/** 100 ms of a tone at half of full scale. */
function tone(hz: number, sampleRate: number): Int16Array {
  return Int16Array.from({ length: sampleRate / 10 }, (_, index) =>
    Math.round(16_384 * Math.sin((2 * Math.PI * hz * index) / sampleRate)),
  );
}
