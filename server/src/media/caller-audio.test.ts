import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCallMemory } from './call-memory.ts';
import { CallerAudioReader, CallerAudioWriter } from './caller-audio.ts';

/** Samples that count up, so that a loss shows. */
function ramp(from: number, count: number): Int16Array {
  return Int16Array.from({ length: count }, (_, index) => (from + index) & 0x7fff);
}

function pipe() {
  const memory = createCallMemory(8000);
  const writer = new CallerAudioWriter(memory);
  let written = 0;
  const write = (count: number) => {
    const bytes = new Uint8Array(ramp(written, count).buffer);
    writer.write(bytes, 0, bytes.length, 0);
    written += count;
  };
  return { reader: new CallerAudioReader(memory), write };
}

describe('caller audio from the worker to main', () => {
  test('comes out as it went in, an odd last byte left out', () => {
    const memory = createCallMemory(8000);
    new CallerAudioWriter(memory).write(Uint8Array.of(9, 0x01, 0x02, 0xff, 0xff, 7), 1, 6, 12.5);
    const reader = new CallerAudioReader(memory);
    const into = new Int16Array(10);

    expect(reader.read(into)).toBe(2);
    expect(Array.from(into.subarray(0, 2))).toEqual([0x0201, -1]);
    expect(reader.receivedAtUs).toBe(12_500);
  });

  test('main a second and a half late: the oldest half second is gone and counted, the rest is whole', () => {
    const { reader, write } = pipe();
    for (let frame = 0; frame < 75; frame++) write(160);
    const into = new Int16Array(20_000);

    const samples = reader.read(into);

    expect(samples).toBe(8000);
    expect(into.subarray(0, 8000)).toEqual(ramp(4000, 8000));
    expect(reader.dropped).toBe(4000);
  });

  test('whatever the sizes of writes and reads, nothing is lost or doubled as long as main keeps up', () => {
    const step = fc.record({ write: fc.nat(700), read: fc.integer({ min: 1, max: 900 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { reader, write } = pipe();
        let expected = 0;
        let waiting = 0;
        for (const { write: count, read } of steps) {
          if (waiting + count > 8000) continue;
          write(count);
          const into = new Int16Array(read);
          const samples = reader.read(into);
          expect(into.subarray(0, samples)).toEqual(ramp(expected, samples));
          waiting += count - samples;
          expected += samples;
        }
        expect(reader.dropped).toBe(0);
      }),
    );
  });
});
