/**
 * AudioSocket frames (docs.asterisk.org, "AudioSocket"; res_audiosocket.c of Asterisk 22):
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------+-------------------------------+---------------+
 *     |     kind      |   length, big-endian          |  payload ...  |
 *     +---------------+-------------------------------+---------------+
 *
 * Audio is signed 16-bit little-endian mono, one 20 ms frame each.
 */
export const HEADER_BYTES = 3;

/** What a frame is. Asterisk sends id, digit and audio; we send audio and hangup: anything else from us drops the call. */
export const FRAME_KIND = {
  hangup: 0x00,
  /** 16 bytes, a binary UUID; first and once. */
  id: 0x01,
  /** One ASCII character, at key up. */
  digit: 0x03,
  /** The first of the audio kinds 0x10-0x18. */
  audio8k: 0x10,
  /** Payload empty or one byte of ERROR_BITS. */
  error: 0xff,
} as const;

export const ID_BYTES = 16;

/** Bits of an error frame's payload. */
export const ERROR_BITS = { hungUp: 0x01, frameForwarding: 0x02, memory: 0x04 } as const;

/** Hz of the kinds 0x10, 0x11 ... 0x18. */
const AUDIO_RATES = [8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000, 192000] as const;
const KIND_12K = 0x11;
const BYTES_OF_20_MS_AT_16K = 640;

/**
 * The sample rate of a frame, in Hz; 0 when its kind is no audio.
 * NOTE: the change that first brought other rates to Asterisk (October 2025) used 0x11 for 16 kHz, where the documentation
 * says 12 kHz: there the length decides.
 */
export function audioSampleRate(kind: number, payloadBytes: number): number {
  if (kind === KIND_12K && payloadBytes === BYTES_OF_20_MS_AT_16K) return 16000;
  return AUDIO_RATES[kind - FRAME_KIND.audio8k] ?? 0;
}

/** The kind that carries a sample rate. @throws RangeError for a rate AudioSocket does not know. */
export function audioKind(sampleRate: number): number {
  const index = AUDIO_RATES.indexOf(sampleRate as (typeof AUDIO_RATES)[number]);
  if (index < 0) throw new RangeError(`AudioSocket has no kind for ${sampleRate} Hz`);
  return FRAME_KIND.audio8k + index;
}

/** Writes a header at the start of `target`. */
export function writeHeader(target: Uint8Array, kind: number, payloadBytes: number): void {
  target[0] = kind;
  target[1] = payloadBytes >> 8;
  target[2] = payloadBytes & 0xff;
}

/** One frame, header and payload together: Asterisk drops the call when the payload comes 5 ms after its header. */
export function serialiseFrame(kind: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + payload.length);
  writeHeader(frame, kind, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}
