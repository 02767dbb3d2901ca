import { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from '../../../audio/g711.ts';
import { LinearReader } from '../../../audio/linear-reader.ts';

/** Audio as a call's MEDIA_START announced it: between bytes of the wire and samples. */
export type MediaFormat = {
  /** Hz */
  readonly sampleRate: number;
  readonly bytesPerSample: 1 | 2;
  /** Bytes of our own, to be handed on. */
  readonly encode: (samples: Int16Array) => Uint8Array;
  /** Makes a reader of the caller's audio; the view is valid until its next call. */
  readonly newReader: () => (bytes: Uint8Array) => Int16Array;
};

/** Asterisk's names of signed linear audio and their rates (main/format_compatibility, codec_builtin.c). */
const LINEAR_RATES: Readonly<Record<string, number>> = {
  slin: 8_000,
  slin12: 12_000,
  slin16: 16_000,
  slin24: 24_000,
  slin32: 32_000,
  slin44: 44_100,
  slin48: 48_000,
};

/** One second of G.711: longer messages are cut. */
const MOST_BYTES = 8_000;

export const FORMATS_TAKEN = 'ulaw, alaw, slin, slin12, slin16, slin24, slin32, slin44 or slin48';

/** The format of that name; null for what is not audio we can touch: a passthrough codec, or a rate beyond speech. */
export function mediaFormat(name: string): MediaFormat | null {
  const rate = LINEAR_RATES[name];
  if (rate !== undefined) return linear(rate);
  if (name === 'ulaw') return g711(decodeMulaw, encodeMulaw);
  if (name === 'alaw') return g711(decodeAlaw, encodeAlaw);
  return null;
}

function linear(sampleRate: number): MediaFormat {
  return {
    sampleRate,
    bytesPerSample: 2,
    encode: (samples) => new Uint8Array(samples.slice().buffer),
    newReader: () => {
      const reader = new LinearReader();
      return (bytes) => reader.read(bytes);
    },
  };
}

type Codec<From, To> = (from: From, to: To) => number;

function g711(decode: Codec<Uint8Array, Int16Array>, encode: Codec<Int16Array, Uint8Array>): MediaFormat {
  return {
    sampleRate: 8_000,
    bytesPerSample: 1,
    encode: (samples) => {
      const bytes = new Uint8Array(samples.length);
      encode(samples, bytes);
      return bytes;
    },
    newReader: () => {
      const samples = new Int16Array(MOST_BYTES);
      return (bytes) => samples.subarray(0, decode(bytes, samples));
    },
  };
}
