import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import { readWav, wavHeader, writeWav } from './wav.ts';

const SAMPLES = Int16Array.of(0, 1, -1, 32_767, -32_768);

describe('writing', () => {
  test('the canonical header, byte for byte', () => {
    const file = writeWav({ samples: Int16Array.of(0x0201, -2), sampleRate: 8_000 });

    expect(Buffer.from(file).toString('hex')).toBe(
      `${hex('RIFF')}28000000${hex('WAVE')}${hex('fmt ')}1000000001000100401f0000803e000002001000${hex('data')}040000000102feff`,
    );
  });

  test('what was written is read again', () => {
    expect(readWav(writeWav({ samples: SAMPLES, sampleRate: 16_000 }))).toEqual({
      samples: SAMPLES,
      sampleRate: 16_000,
    });
  });
});

describe('reading', () => {
  test('other chunks before the audio are passed over, odd ones with their padding', () => {
    const file = riff(
      formatChunk(),
      chunk('LIST', [1, 2, 3]),
      chunk('fact', [0, 0, 0, 0]),
      chunk('data', [7, 0, 8, 0]),
    );

    expect([...readWav(file).samples]).toEqual([7, 8]);
  });

  test.each([
    ['zero', 0],
    ['the largest number', 0xffff_ffff],
    ['more than is there', 1_000],
  ])('a data size of %s, as streams leave it: all that is there counts', (_, size) => {
    const data = chunk('data', [7, 0, 8, 0]);
    new DataView(data.buffer).setUint32(4, size, true);

    expect([...readWav(riff(formatChunk(), data)).samples]).toEqual([7, 8]);
  });

  test('half a sample at the end is left out', () => {
    expect([...readWav(riff(formatChunk(), chunk('data', [7, 0, 8]).subarray(0, 11))).samples]).toEqual([7]);
  });

  test('the extensible format is read when it holds PCM', () => {
    const extensible = chunk('fmt ', [
      ...[0xfe, 0xff, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0],
      ...[22, 0, 16, 0, 4, 0, 0, 0],
      ...[1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71],
    ]);

    expect(readWav(riff(extensible, chunk('data', [7, 0])))).toEqual({ samples: Int16Array.of(7), sampleRate: 8_000 });
  });

  test('a file inside a larger buffer, at an odd place', () => {
    const file = writeWav({ samples: SAMPLES, sampleRate: 8_000 });
    const larger = new Uint8Array(file.length + 3);
    larger.set(file, 3);

    expect(readWav(larger.subarray(3)).samples).toEqual(SAMPLES);
  });

  test('no audio at all is an empty frame', () => {
    expect(readWav(wavHeader(8_000, 0)).samples.length).toBe(0);
  });
});

describe('what cannot be read is refused with what was found', () => {
  test.each([
    ['nothing', new Uint8Array(0), 'no RIFF/WAVE header in 0 bytes'],
    ['another kind of file', Buffer.from('OggS, and so on and so on'), 'no RIFF/WAVE header in 25 bytes'],
    ['a file without audio', riff(formatChunk()), 'it has no data chunk'],
    ['audio before its format', riff(chunk('data', [1, 0]), formatChunk()), 'the audio comes before its format'],
    ['a cut format', riff(chunk('fmt ', [1, 0, 1, 0])), 'its format chunk is cut short'],
    ['μ-law', riff(formatChunk({ code: 7, bits: 8 })), '16-bit PCM is needed, it has format 7 with 8 bits'],
    ['24 bits', riff(formatChunk({ bits: 24 })), '16-bit PCM is needed, it has format 1 with 24 bits'],
    ['stereo', riff(formatChunk({ channels: 2 })), 'one channel is needed, it has 2'],
    ['no sample rate', riff(formatChunk({ sampleRate: 0 })), 'its sample rate is 0'],
  ])('%s', (_, file, found) => {
    expect(() => readWav(file)).toThrow(`This WAV file cannot be read: ${found}`);
  });

  test('any bytes at all give audio or a clear error, never another', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(59), fc.nat(255), (bytes, at, value) => {
        const bent = writeWav({ samples: SAMPLES, sampleRate: 8_000 });
        bent[at % bent.length] = value;
        for (const file of [bytes, bent, riff(bytes)]) {
          try {
            readWav(file);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
          }
        }
      }),
    );
  });
});

function formatChunk(
  format: { code?: number; channels?: number; sampleRate?: number; bits?: number } = {},
): Uint8Array {
  const { code = 1, channels = 1, sampleRate = 8_000, bits = 16 } = format;
  const body = new DataView(new ArrayBuffer(16));
  body.setUint16(0, code, true);
  body.setUint16(2, channels, true);
  body.setUint32(4, sampleRate, true);
  body.setUint16(14, bits, true);
  return chunk('fmt ', [...new Uint8Array(body.buffer)]);
}

function chunk(name: string, body: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 + body.length + (body.length % 2));
  bytes.set(Buffer.from(name));
  new DataView(bytes.buffer).setUint32(4, body.length, true);
  bytes.set(body, 8);
  return bytes;
}

function riff(...chunks: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.from('RIFF....WAVE'), ...chunks]);
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
