import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBase64Mulaw, encodeBase64Mulaw } from './base64-mulaw.ts';
import { decodeMulaw, encodeMulaw } from './g711.ts';

const decode = (text: string, room = 1_000) => {
  const samples = new Int16Array(room);
  const count = decodeBase64Mulaw(Buffer.from(text), 0, text.length, samples);
  return count < 0 ? null : Array.from(samples.subarray(0, count));
};

test('decodes as Buffer and the μ-law table do, for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      const expected = new Int16Array(bytes.length);
      decodeMulaw(bytes, expected);

      expect(decode(Buffer.from(bytes).toString('base64'))).toEqual(Array.from(expected));
    }),
  );
});

test('encodes as the μ-law table and Buffer do, for any samples', () => {
  fc.assert(
    fc.property(fc.int16Array({ maxLength: 500 }), (samples) => {
      const bytes = new Uint8Array(samples.length);
      encodeMulaw(samples, bytes);
      const text = Buffer.alloc(Math.ceil(samples.length / 3) * 4);

      const end = encodeBase64Mulaw(samples, text, 0);

      expect(text.toString('latin1', 0, end)).toBe(Buffer.from(bytes).toString('base64'));
    }),
  );
});

test.each(['A', 'AAA', 'A*==', 'AA=A', '====', 'AAAA=', 'AA\u0000A', 'AA AA==='])('%j is no base64', (text) => {
  expect(decode(text)).toBeNull();
});

test('more than there is room for is refused, not cut', () => {
  expect(decode('AAAA', 2)).toBeNull();
  expect(decode('AAAA', 3)).toHaveLength(3);
});
