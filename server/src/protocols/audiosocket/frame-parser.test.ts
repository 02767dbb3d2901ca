import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { audioKind, audioSampleRate, serialiseFrame } from './frame.ts';
import { FrameParser } from './frame-parser.ts';

const MAX_PAYLOAD_BYTES = 32_768;

function collect(chunks: Uint8Array[], maxPayloadBytes = MAX_PAYLOAD_BYTES) {
  const frames: { kind: number; payload: string }[] = [];
  const parser = new FrameParser(maxPayloadBytes, (kind, bytes, start, end) =>
    frames.push({ kind, payload: Buffer.from(bytes.subarray(start, end)).toString('hex') }),
  );
  const faults = chunks.map((chunk) => parser.push(chunk)).filter((fault) => fault !== null);
  return { frames, faults };
}

/** Splits a stream at sorted offsets. */
function cut(stream: Uint8Array, offsets: number[]): Uint8Array[] {
  const at = [0, ...offsets.map((offset) => offset % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  return at.slice(1).map((end, index) => stream.subarray(at[index], end));
}

describe('frames off the wire', () => {
  // As Asterisk 22.10.1 sends them: id, 20 ms of audio, a digit at key up.
  const captured = Buffer.concat([
    Buffer.from('01001011111111222243338444555555555555', 'hex'),
    Buffer.concat([Buffer.from('100140', 'hex'), Buffer.alloc(320, 8)]),
    Buffer.from('03000131', 'hex'),
  ]);

  test('id, audio and digit come out as they went in', () => {
    const { frames } = collect([captured]);

    expect(frames).toEqual([
      { kind: 0x01, payload: '11111111222243338444555555555555' },
      { kind: 0x10, payload: '08'.repeat(320) },
      { kind: 0x03, payload: '31' },
    ]);
  });

  test('one byte at a time gives the same frames', () => {
    const { frames } = collect(Array.from(captured, (byte) => Uint8Array.of(byte)));

    expect(frames.map((frame) => frame.kind)).toEqual([0x01, 0x10, 0x03]);
    expect(frames[1]?.payload).toBe('08'.repeat(320));
  });

  test('any cut of any stream gives the same frames', () => {
    const frame = fc.record({ kind: fc.nat(255), payload: fc.uint8Array({ maxLength: 900 }) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 40 }), (sent, offsets) => {
        const stream = Buffer.concat(sent.map(({ kind, payload }) => serialiseFrame(kind, payload)));
        const { frames, faults } = collect(cut(stream, offsets));
        expect(faults).toEqual([]);
        expect(frames).toEqual(
          sent.map(({ kind, payload }) => ({ kind, payload: Buffer.from(payload).toString('hex') })),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('an empty payload is a frame', () => {
    expect(collect([Buffer.from('000000', 'hex')]).frames).toEqual([{ kind: 0x00, payload: '' }]);
  });

  test('a frame longer than allowed is a fault, whole or cut in its header, and nothing follows', () => {
    const long = Buffer.from('1001410000', 'hex');

    expect(collect([long, captured], 320)).toEqual({ frames: [], faults: ['frame_too_long'] });
    expect(collect([long.subarray(0, 2), long.subarray(2), captured], 320)).toEqual({
      frames: [],
      faults: ['frame_too_long'],
    });
  });

  test('stopped from within a callback, no further frame comes', () => {
    const kinds: number[] = [];
    const parser = new FrameParser(MAX_PAYLOAD_BYTES, (kind) => {
      kinds.push(kind);
      parser.stop();
    });

    parser.push(captured);
    parser.push(captured);

    expect(kinds).toEqual([0x01]);
  });
});

describe('the rate of an audio frame', () => {
  test('the kind tells it', () => {
    expect([0x10, 0x12, 0x13, 0x18].map((kind) => audioSampleRate(kind, 320))).toEqual([8000, 16000, 24000, 192000]);
  });

  test('kind 0x11 is 12 kHz, but 16 kHz when 20 ms of it are 640 bytes', () => {
    expect([audioSampleRate(0x11, 480), audioSampleRate(0x11, 640)]).toEqual([12000, 16000]);
  });

  test('other kinds are no audio', () => {
    expect([0x00, 0x01, 0x03, 0x0f, 0x19, 0xff].map((kind) => audioSampleRate(kind, 320))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('each rate has its kind, and an unknown rate is refused', () => {
    expect([8000, 16000, 48000].map(audioKind)).toEqual([0x10, 0x12, 0x16]);
    expect(() => audioKind(11025)).toThrow('AudioSocket has no kind for 11025 Hz');
  });
});
