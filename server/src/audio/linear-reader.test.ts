import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinearReader } from './linear-reader.ts';

test('bytes cut anywhere give the samples of the whole', () => {
  fc.assert(
    fc.property(fc.int16Array({ maxLength: 200 }), fc.array(fc.nat({ max: 90 })), (samples, cuts) => {
      const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
      const reader = new LinearReader();
      const read: number[] = [];
      let at = 0;
      for (const length of [...cuts, bytes.length]) {
        read.push(...reader.read(bytes.subarray(at, at + length)));
        at += length;
      }

      expect(read).toEqual(Array.from(samples));
    }),
  );
});
