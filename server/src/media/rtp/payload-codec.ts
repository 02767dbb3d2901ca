import {
  ALAW_SILENCE,
  ALAW_TO_LINEAR,
  encodeAlaw,
  encodeMulaw,
  MULAW_SILENCE,
  MULAW_TO_LINEAR,
} from '../../audio/g711.ts';
import { G722Decoder, G722Encoder } from '../../audio/g722.ts';
import { samplesPerFrame } from '../../core/audio-frame.ts';
import type { CodecName } from '../../protocols/sdp/codecs.ts';

/** How samples travel in RTP. Nothing here allocates or throws, save an array that grows to the longest packet seen. */
export type PayloadCodec = {
  readonly name: CodecName;
  /** Hz. */
  readonly sampleRate: number;
  /** Bytes of a frame of 20 ms. */
  readonly frameBytes: number;
  /** Most samples that so many bytes hold, for each of them. */
  readonly samplesPerByte: 0.5 | 1 | 2;
  /** What a frame of silence is filled with; null where silence must be encoded, as each frame depends on the one before. */
  readonly silence: number | null;
  /** Writes all samples to the start of `target`. */
  readonly encode: (samples: Int16Array, target: Uint8Array) => void;
  /** Reads bytes[start, end) to the start of `samples`, which must have room; returns their count. */
  readonly decode: (bytes: Uint8Array, start: number, end: number, samples: Int16Array) => number;
};

/** The codecs this plane can carry, the best first: for what an offer of ours names. */
export const RTP_CODECS: readonly CodecName[] = ['L16', 'G722', 'PCMU', 'PCMA'];

const PCMU: PayloadCodec = {
  name: 'PCMU',
  sampleRate: 8000,
  frameBytes: samplesPerFrame(8000),
  samplesPerByte: 1,
  silence: MULAW_SILENCE,
  encode: (samples, target) => void encodeMulaw(samples, target),
  decode: decodeBy(MULAW_TO_LINEAR),
};

const PCMA: PayloadCodec = {
  name: 'PCMA',
  sampleRate: 8000,
  frameBytes: samplesPerFrame(8000),
  samplesPerByte: 1,
  silence: ALAW_SILENCE,
  encode: (samples, target) => void encodeAlaw(samples, target),
  decode: decodeBy(ALAW_TO_LINEAR),
};

/** Linear samples in network order (RFC 3551, 4.5.11). */
const L16: PayloadCodec = {
  name: 'L16',
  sampleRate: 16_000,
  frameBytes: 2 * samplesPerFrame(16_000),
  samplesPerByte: 0.5,
  silence: 0,
  encode: encodeL16,
  decode: decodeL16,
};

const CODECS: Readonly<Record<CodecName, () => PayloadCodec>> = {
  PCMU: () => PCMU,
  PCMA: () => PCMA,
  L16: () => L16,
  G722: createG722,
};

/** The codec of that name, for one call: G.722 remembers what it coded, both ways. */
export function payloadCodec(name: CodecName): PayloadCodec {
  return CODECS[name]();
}

/** RFC 3551 numbers these two for good: a peer may use either, whatever else was agreed on. */
export function staticCodec(payloadType: number): PayloadCodec | undefined {
  if (payloadType === 0) return PCMU;
  return payloadType === 8 ? PCMA : undefined;
}

function decodeBy(table: Int16Array): PayloadCodec['decode'] {
  return (bytes, start, end, samples) => {
    for (let index = start; index < end; index++) samples[index - start] = table[bytes[index] as number] as number;
    return end - start;
  };
}

function encodeL16(samples: Int16Array, target: Uint8Array): void {
  for (let index = 0; index < samples.length; index++) {
    const sample = samples[index] as number;
    target[2 * index] = sample >> 8;
    target[2 * index + 1] = sample;
  }
}

function decodeL16(bytes: Uint8Array, start: number, end: number, samples: Int16Array): number {
  const count = (end - start) >> 1;
  for (let index = 0; index < count; index++) {
    const at = start + 2 * index;
    samples[index] = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  }
  return count;
}

/** 16 kHz in one byte for two samples; the RTP clock runs at 8000 all the same (RFC 3551, 4.5.2). */
function createG722(): PayloadCodec {
  const encoder = new G722Encoder();
  const decoder = new G722Decoder();
  return {
    name: 'G722',
    sampleRate: 16_000,
    frameBytes: samplesPerFrame(16_000) / 2,
    samplesPerByte: 2,
    silence: null,
    encode: (samples, target) => void encoder.encode(samples, target),
    decode: (bytes, start, end, samples) => decoder.decode(bytes, samples, start, end),
  };
}
