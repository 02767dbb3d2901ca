/**
 * G.711, the 8-bit code of telephone audio, by tables: 256 entries to decode, 65,536 to encode. Values as in ITU-T G.711,
 * tables 1 and 2, scaled to 16 bits; a sample that lies on a decision value is coded as ITU's reference software does
 * (G.191, g711.c: ones' complement of negative samples).
 */

const SIGN = 0x80;
/** Shifts the μ-law segments so that each begins at a power of two (14-bit scale). */
const MULAW_BIAS = 33;
const MULAW_LIMIT = 0x1fff;
/** A-law inverts every other bit on the line. */
const ALAW_INVERSION = 0x55;

/** μ-law byte -> linear sample. */
export const MULAW_TO_LINEAR: Int16Array = Int16Array.from({ length: 256 }, (_, code) => decodeMulawByte(code));
/** A-law byte -> linear sample. */
export const ALAW_TO_LINEAR: Int16Array = Int16Array.from({ length: 256 }, (_, code) => decodeAlawByte(code));
/** Linear sample & 0xffff -> μ-law byte. */
export const LINEAR_TO_MULAW: Uint8Array = encodeTable(encodeMulawSample);
/** Linear sample & 0xffff -> A-law byte. */
export const LINEAR_TO_ALAW: Uint8Array = encodeTable(encodeAlawSample);

/**
 * The same for the upper 14 and 12 bits of a sample, which are all that the codes tell apart: these fit in the processor's
 * nearest cache.
 */
const MULAW_BY_14_BITS = LINEAR_TO_MULAW.filter((_, sample) => sample % 4 === 0);
const ALAW_BY_12_BITS = LINEAR_TO_ALAW.filter((_, sample) => sample % 16 === 0);

/** The code of silence: what a muted line sends. */
export const MULAW_SILENCE = 0xff;
export const ALAW_SILENCE = 0xd5;

/** Decodes into `samples`, from its start. Returns the count: the shorter of the two lengths. */
export function decodeMulaw(bytes: Uint8Array, samples: Int16Array): number {
  return decode(MULAW_TO_LINEAR, bytes, samples);
}

/** Decodes into `samples`, from its start. Returns the count: the shorter of the two lengths. */
export function decodeAlaw(bytes: Uint8Array, samples: Int16Array): number {
  return decode(ALAW_TO_LINEAR, bytes, samples);
}

/** Encodes into `bytes`, from its start. Returns the count: the shorter of the two lengths. */
export function encodeMulaw(samples: Int16Array, bytes: Uint8Array): number {
  const count = Math.min(bytes.length, samples.length);
  for (let index = 0; index < count; index++) {
    bytes[index] = MULAW_BY_14_BITS[((samples[index] as number) >> 2) & 0x3fff] as number;
  }
  return count;
}

/** Encodes into `bytes`, from its start. Returns the count: the shorter of the two lengths. */
export function encodeAlaw(samples: Int16Array, bytes: Uint8Array): number {
  const count = Math.min(bytes.length, samples.length);
  for (let index = 0; index < count; index++) {
    bytes[index] = ALAW_BY_12_BITS[((samples[index] as number) >> 4) & 0xfff] as number;
  }
  return count;
}

function decode(table: Int16Array, bytes: Uint8Array, samples: Int16Array): number {
  const count = Math.min(bytes.length, samples.length);
  for (let index = 0; index < count; index++) samples[index] = table[bytes[index] as number] as number;
  return count;
}

function decodeMulawByte(code: number): number {
  const inverted = ~code & 0xff;
  const segment = (inverted >> 4) & 7;
  const magnitude = (((((inverted & 0xf) << 1) + MULAW_BIAS) << segment) - MULAW_BIAS) * 4;
  return inverted & SIGN ? 0 - magnitude : magnitude;
}

function decodeAlawByte(code: number): number {
  const plain = code ^ ALAW_INVERSION;
  const segment = (plain >> 4) & 7;
  const step = ((plain & 0xf) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return plain & SIGN ? magnitude : -magnitude;
}

function encodeMulawSample(sample: number): number {
  const magnitude = Math.min(((sample < 0 ? ~sample : sample) >> 2) + MULAW_BIAS, MULAW_LIMIT);
  const segment = 26 - Math.clz32(magnitude);
  const code = (segment << 4) | ((magnitude >> (segment + 1)) & 0xf);
  return ~(sample < 0 ? code | SIGN : code) & 0xff;
}

function encodeAlawSample(sample: number): number {
  const magnitude = (sample < 0 ? ~sample : sample) >> 4;
  const segment = Math.max(0, 28 - Math.clz32(magnitude));
  const code = segment === 0 ? magnitude : (segment << 4) | ((magnitude >> (segment - 1)) & 0xf);
  return (sample < 0 ? code : code | SIGN) ^ ALAW_INVERSION;
}

function encodeTable(encodeSample: (sample: number) => number): Uint8Array {
  return Uint8Array.from({ length: 65_536 }, (_, index) => encodeSample((index << 16) >> 16));
}
