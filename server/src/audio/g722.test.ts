import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { G722Decoder, G722Encoder } from './g722.ts';

describe('G.722, 64 kbit/s', () => {
  // Asterisk 22.10.1 (codec_g722) makes the same 16,000 bytes of this signal, and the same 32,000 samples of those bytes.
  test("a sweep with noise: byte for byte and sample for sample Asterisk's result", () => {
    const bytes = new Uint8Array(16_000);
    const samples = new Int16Array(32_000);

    new G722Encoder().encode(sweepWithNoise(), bytes);
    new G722Decoder().decode(bytes, samples);

    expect(sha256(bytes)).toBe('077ab3fc43dcfd6a3ece78c513640d2d57ff76261539ff729d399a3921192acf');
    expect(sha256(new Uint8Array(samples.buffer))).toBe(
      '523e7e2a065b2aad822143db32f7473a191b978edd9617e7cef0595feecdace4',
    );
  });

  test.each([300, 1000, 3000, 6500])('a tone of %i Hz comes back 22 samples later, noise under -20 dB', (hertz) => {
    const tone = Int16Array.from({ length: 8000 }, (_, i) =>
      Math.round(8000 * Math.sin((2 * Math.PI * hertz * i) / 16_000)),
    );
    const bytes = new Uint8Array(4000);
    const back = new Int16Array(8000);

    new G722Encoder().encode(tone, bytes);
    new G722Decoder().decode(bytes, back);

    expect(signalToNoise(tone, back, 22)).toBeGreaterThan(20);
  });

  test('frames may be cut anywhere at an even sample', () => {
    const whole = new Uint8Array(16_000);
    const parts = new Uint8Array(16_000);
    const samples = sweepWithNoise();
    new G722Encoder().encode(samples, whole);
    const encoder = new G722Encoder();

    for (let at = 0; at < 16_000; at += 160)
      encoder.encode(samples.subarray(2 * at, 2 * at + 320), parts.subarray(at, at + 160));

    expect(parts).toEqual(whole);
  });

  test('any bytes decode without leaving the range', () => {
    const noise = Uint8Array.from({ length: 5000 }, (_, i) => (i * 73) ^ (i >> 3));
    const samples = new Int16Array(10_000);

    expect(new G722Decoder().decode(noise, samples)).toBe(10_000);
  });
});

function sweepWithNoise(): Int16Array {
  let state = 5;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return Int16Array.from({ length: 32_000 }, (_, i) => {
    const tone = 12_000 * Math.sin(i / 9) * (i % 8000 > 4000 ? 1 : 0);
    const value = 9000 * Math.sin((i * i) / 40_000) + tone + 6000 * random() * (i > 16_000 ? 3 : 0.1);
    return Math.max(-32_768, Math.min(32_767, Math.round(value)));
  });
}

function signalToNoise(sent: Int16Array, heard: Int16Array, delay: number): number {
  let signal = 0;
  let noise = 0;
  for (let i = 2000; i < 7000; i++) {
    signal += sent[i]! ** 2;
    noise += (sent[i]! - heard[i + delay]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
