import { describe, expect, test } from 'vitest';
import { writeWav } from '../../audio/wav.ts';
import { SpeechStream } from './speech-stream.ts';

const WAV = writeWav({ samples: Int16Array.of(1, -2, 300), sampleRate: 16_000 });

describe('speech stream', () => {
  test('byte by byte, a WAV file gives its samples at its own rate', () => {
    expect(read([...WAV].map((byte) => Uint8Array.of(byte)))).toEqual({ samples: [1, -2, 300], rates: [16_000] });
  });

  test('byte by byte, raw audio gives its samples at 24 kHz; half a sample at the end is dropped', () => {
    const bytes = [1, 0, 254, 255, 44, 1, 9].map((byte) => Uint8Array.of(byte));

    expect(read(bytes)).toEqual({ samples: [1, -2, 300], rates: [24_000] });
  });

  test('what stands behind the audio of a WAV file is no sound', () => {
    expect(read([WAV, Buffer.from('LIST\x04\0\0\0abcd')])).toEqual({ samples: [1, -2, 300], rates: [16_000] });
  });

  test('chunks before the audio are passed over', () => {
    const list = Buffer.from('LIST\x03\0\0\0abc\0');
    const file = Buffer.concat([WAV.subarray(0, 36), list, WAV.subarray(36)]);

    expect(read([file.subarray(0, 45), file.subarray(45)])).toEqual({ samples: [1, -2, 300], rates: [16_000] });
  });

  test.each([0, 0xffffffff, 0xffffffdb])('a size of %i that was never filled in: all that comes is audio', (size) => {
    const file = Buffer.from(WAV);
    file.writeUInt32LE(size, 40);

    expect(read([file]).samples).toEqual([1, -2, 300]);
  });

  test('two channels are refused, with what was found', () => {
    const file = Buffer.from(WAV);
    file.writeUInt16LE(2, 22);

    expect(() => read([file])).toThrow('16-bit mono PCM is needed, it has format 1, 2 channels, 16 bits, 16000 Hz');
  });
});

function read(pieces: readonly Uint8Array[]): { samples: number[]; rates: number[] } {
  const stream = new SpeechStream();
  const chunks = pieces.map((piece) => stream.push(piece)).filter((chunk) => chunk !== null);
  return {
    samples: chunks.flatMap((chunk) => [...chunk.samples]),
    rates: [...new Set(chunks.map((chunk) => chunk.sampleRate))],
  };
}
