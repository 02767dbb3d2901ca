import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { createRingMemory, SharedRingReader, SharedRingWriter } from './shared-ring.ts';

function ring(capacity: number) {
  const memory = createRingMemory(capacity);
  const writer = new SharedRingWriter(memory);
  return { memory, writer, reader: new SharedRingReader(memory, writer.position) };
}

function count(from: number, to: number): Int16Array {
  return Int16Array.from({ length: to - from }, (_, index) => from + index);
}

describe('a shared ring', () => {
  test('what is written in any portions is read in any portions, in order', () => {
    const { writer, reader } = ring(16);
    const seen: number[] = [];
    const part = new Int16Array(5);
    for (let at = 0; at < 300; at += 3) {
      writer.write(count(at, at + 3));
      while (reader.read(part)) seen.push(...part);
    }

    expect(seen).toEqual([...count(0, 300)]);
    expect(reader.lost).toBe(0);
  });

  test('too little is left where it is', () => {
    const { writer, reader } = ring(16);
    writer.write(count(0, 4));
    const part = new Int16Array([9, 9, 9, 9, 9]);

    expect(reader.read(part)).toBe(false);
    expect([...part]).toEqual([9, 9, 9, 9, 9]);
    expect(reader.available).toBe(4);
  });

  test('a full ring drops the oldest samples and counts them', () => {
    const { writer, reader } = ring(16);
    for (let at = 0; at < 24; at += 4) writer.write(count(at, at + 4));
    const part = new Int16Array(16);

    expect(reader.read(part)).toBe(false);
    expect(reader.lost).toBe(8);
    expect(reader.read(part)).toBe(true);
    expect([...part]).toEqual([...count(8, 24)]);
  });

  test('a chunk longer than the ring leaves its end', () => {
    const { writer, reader } = ring(16);
    writer.write(count(0, 100));
    const part = new Int16Array(16);
    reader.read(part);

    expect(reader.read(part)).toBe(true);
    expect([...part]).toEqual([...count(84, 100)]);
    expect(reader.lost).toBe(84);
  });

  test('positions may pass 2^31 and 2^32', () => {
    const { memory } = ring(16);
    new Int32Array(memory, 0, 2).fill(0x7fff_fff0);
    const writer = new SharedRingWriter(memory);
    const reader = new SharedRingReader(memory, writer.position);
    const part = new Int16Array(8);
    const seen: number[] = [];
    for (let at = 0; at < 64; at += 8) {
      writer.write(count(at, at + 8));
      if (reader.read(part)) seen.push(...part);
    }

    expect(seen).toEqual([...count(0, 64)]);
    expect(writer.position).toBeLessThan(0);
  });

  test('a reader that joins later hears only what comes after', () => {
    const { memory, writer } = ring(16);
    writer.write(count(0, 10));
    const late = new SharedRingReader(memory, writer.position);
    writer.write(count(10, 14));
    const part = new Int16Array(4);

    expect(late.read(part)).toBe(true);
    expect([...part]).toEqual([10, 11, 12, 13]);
  });

  test('half a second of telephone audio takes 8 KiB', () => {
    expect(createRingMemory(4_000).byteLength).toBe(8 + 4_096 * 2);
  });

  test('beside a writer on another thread that overruns it, a reader never sees a spoilt sample', async () => {
    const samples = 3_000_000;
    const memory = createRingMemory(1_024);
    const reader = new SharedRingReader(memory, 0);
    const part = new Int16Array(256);
    const thread = new Worker(new URL('../../test/fakes/ring-writer-thread.ts', import.meta.url), {
      workerData: { memory, samples },
    });
    const written = new Promise<number>((resolve) => thread.once('exit', resolve));
    let isWriting = true;
    void written.then(() => {
      isWriting = false;
    });

    let read = 0;
    let wrong = 0;
    while (isWriting || reader.available >= part.length) {
      for (let turn = 0; turn < 10_000; turn++) {
        if (!reader.read(part)) continue;
        const start = (((read + reader.lost) << 16) >> 16) | 0;
        for (let index = 0; index < part.length; index++) if (part[index] !== ((start + index) << 16) >> 16) wrong++;
        read += part.length;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }

    expect(wrong).toBe(0);
    expect(await written).toBe(0);
    expect(read + reader.lost + reader.available).toBe(samples);
  });
});
