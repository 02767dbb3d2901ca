import { describe, expect, test } from 'vitest';
import {
  ALAW_SILENCE,
  ALAW_TO_LINEAR,
  decodeAlaw,
  decodeMulaw,
  encodeAlaw,
  encodeMulaw,
  LINEAR_TO_ALAW,
  LINEAR_TO_MULAW,
  MULAW_SILENCE,
  MULAW_TO_LINEAR,
} from './g711.ts';

/** Character signal and value at the decoder output of ITU-T G.711, table 2a, times 4: ends and segment borders. */
const MULAW_VALUES: readonly (readonly [number, number])[] = [
  [0x80, 8031 * 4],
  [0x8f, 4191 * 4],
  [0x9f, 2079 * 4],
  [0xaf, 1023 * 4],
  [0xbf, 495 * 4],
  [0xcf, 231 * 4],
  [0xdf, 99 * 4],
  [0xef, 33 * 4],
  [0xfe, 2 * 4],
  [0xff, 0],
];

/** The same of table 1a, times 8, even bits inverted as on the line. */
const ALAW_VALUES: readonly (readonly [number, number])[] = [
  [0xff ^ 0x55, 4032 * 8],
  [0xf0 ^ 0x55, 2112 * 8],
  [0xe0 ^ 0x55, 1056 * 8],
  [0xd0 ^ 0x55, 528 * 8],
  [0xc0 ^ 0x55, 264 * 8],
  [0xb0 ^ 0x55, 132 * 8],
  [0xa0 ^ 0x55, 66 * 8],
  [0x90 ^ 0x55, 33 * 8],
  [0x80 ^ 0x55, 1 * 8],
];

/** Decision values (the border above each segment) of table 2a and 1a, at 16 bits. */
const MULAW_BORDERS = [31, 95, 223, 479, 991, 2015, 4063].map((value) => value * 4);
const ALAW_BORDERS = [32, 64, 128, 256, 512, 1024, 2048].map((value) => value * 8);

describe('decoding', () => {
  test.each(MULAW_VALUES)('μ-law code %i is %i, and its twin of the other sign the negative', (code, value) => {
    expect(MULAW_TO_LINEAR[code]).toBe(value);
    expect(MULAW_TO_LINEAR[code & 0x7f]).toBe(0 - value);
  });

  test.each(ALAW_VALUES)('A-law code %i is %i, and its twin of the other sign the negative', (code, value) => {
    expect(ALAW_TO_LINEAR[code]).toBe(value);
    expect(ALAW_TO_LINEAR[code & 0x7f]).toBe(-value);
  });

  test('A-law 1 kHz test sequence of ITU-T G.711, table 5, is a sine', () => {
    const samples = new Int16Array(8);

    decodeAlaw(Uint8Array.of(0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4), samples);

    expect([...samples]).toEqual([-8960, -20992, -20992, -8960, 8960, 20992, 20992, 8960]);
  });

  test('μ-law 1 kHz test sequence of ITU-T G.711, table 6, is a sine', () => {
    const samples = new Int16Array(8);

    decodeMulaw(Uint8Array.of(0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e), samples);

    expect([...samples]).toEqual([-8828, -20860, -20860, -8828, 8828, 20860, 20860, 8828]);
  });
});

describe('encoding', () => {
  test('every code survives decoding and encoding, but for the negative zero of μ-law', () => {
    for (let code = 0; code < 256; code++) {
      expect(LINEAR_TO_ALAW[(ALAW_TO_LINEAR[code] as number) & 0xffff]).toBe(code);
      expect(LINEAR_TO_MULAW[(MULAW_TO_LINEAR[code] as number) & 0xffff]).toBe(code === 0x7f ? 0xff : code);
    }
  });

  test('silence is the silence code', () => {
    expect(LINEAR_TO_MULAW[0]).toBe(MULAW_SILENCE);
    expect(LINEAR_TO_ALAW[0]).toBe(ALAW_SILENCE);
  });

  test('the loudest samples have the outermost codes', () => {
    const bytes = new Uint8Array(2);

    encodeMulaw(Int16Array.of(32_767, -32_768), bytes);
    expect([...bytes]).toEqual([0x80, 0x00]);
    encodeAlaw(Int16Array.of(32_767, -32_768), bytes);
    expect([...bytes]).toEqual([0xaa, 0x2a]);
  });

  test('segments change exactly at the decision values', () => {
    for (const [segment, border] of MULAW_BORDERS.entries()) {
      expect(segmentOf(~(LINEAR_TO_MULAW[border - 1] as number))).toBe(segment);
      expect(segmentOf(~(LINEAR_TO_MULAW[border] as number))).toBe(segment + 1);
    }
    for (const [segment, border] of ALAW_BORDERS.entries()) {
      expect(segmentOf((LINEAR_TO_ALAW[border - 1] as number) ^ 0x55)).toBe(segment);
      expect(segmentOf((LINEAR_TO_ALAW[border] as number) ^ 0x55)).toBe(segment + 1);
    }
  });

  test('no sample is further from its code than half a step of its segment', () => {
    for (let sample = -32_635; sample <= 32_635; sample++) {
      const decoded = MULAW_TO_LINEAR[LINEAR_TO_MULAW[sample & 0xffff] as number] as number;
      const step = 8 << segmentOf(~(LINEAR_TO_MULAW[sample & 0xffff] as number));
      if (Math.abs(decoded - sample) > step / 2) expect.fail(`μ-law ${sample} became ${decoded}`);
    }
    for (let sample = -32_768; sample <= 32_767; sample++) {
      const decoded = ALAW_TO_LINEAR[LINEAR_TO_ALAW[sample & 0xffff] as number] as number;
      const segment = segmentOf((LINEAR_TO_ALAW[sample & 0xffff] as number) ^ 0x55);
      if (Math.abs(decoded - sample) > (16 << Math.max(0, segment - 1)) / 2) {
        expect.fail(`A-law ${sample} became ${decoded}`);
      }
    }
  });

  test('louder never gets a quieter code', () => {
    for (let sample = -32_767; sample <= 32_767; sample++) {
      const previous = MULAW_TO_LINEAR[LINEAR_TO_MULAW[(sample - 1) & 0xffff] as number] as number;
      if ((MULAW_TO_LINEAR[LINEAR_TO_MULAW[sample & 0xffff] as number] as number) < previous)
        expect.fail(`at ${sample}`);
    }
  });
});

describe('frames', () => {
  test('of every sample there is are coded as the tables say', () => {
    const samples = Int16Array.from({ length: 65_536 }, (_, index) => index - 32_768);
    const mulaw = new Uint8Array(65_536);
    const alaw = new Uint8Array(65_536);

    encodeMulaw(samples, mulaw);
    encodeAlaw(samples, alaw);

    expect(mulaw).toEqual(Uint8Array.from(samples, (sample) => LINEAR_TO_MULAW[sample & 0xffff] as number));
    expect(alaw).toEqual(Uint8Array.from(samples, (sample) => LINEAR_TO_ALAW[sample & 0xffff] as number));
  });

  test('the shorter side decides how much is converted, the rest stays as it was', () => {
    const bytes = Uint8Array.of(0xff, 0x80, 0x00);
    const samples = new Int16Array([7, 7]);

    expect(decodeMulaw(bytes, samples)).toBe(2);
    expect([...samples]).toEqual([0, 32_124]);
    expect(encodeMulaw(Int16Array.of(0), bytes)).toBe(1);
    expect([...bytes]).toEqual([0xff, 0x80, 0x00]);
  });
});

function segmentOf(code: number): number {
  return (code >> 4) & 7;
}
