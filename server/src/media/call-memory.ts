/**
 * The shared memory of one call: control words, a ring of audio to the caller, a ring of audio from the caller. Main writes
 * some words, the worker the others, and each side only reads what the other writes, so no lock is needed.
 *
 * Positions are sample counts modulo 2^32 and compared by signed difference: a ring holds seconds, a wrap takes hours.
 */
export type CallMemory = {
  readonly buffer: SharedArrayBuffer;
  readonly sampleRate: number;
  readonly words: Int32Array;
  readonly outbound: Int16Array;
  readonly inbound: Int16Array;
};

/** Places of the control words. */
export const WORD = {
  // Written by main.
  queued: 0,
  /** The flush: nothing before this position plays any more. */
  clearedTo: 1,
  /** Where the newest ended reply ends; unequal to `queued` while a reply is under way. */
  replyEnd: 2,
  isPaused: 3,
  /** How far the next resume steps back, and how many resumes there were. */
  rewind: 4,
  resumes: 5,
  /** Position of the next mark; armed by main, disarmed by the worker when it was heard. */
  markAt: 6,
  isMarkArmed: 7,
  /** Main waits for room; the worker resets it when there is some. */
  wantsRoom: 8,
  // Written by the worker.
  sent: 9,
  heard: 10,
  /** The newest `clearedTo` that took effect, and what had been heard then. */
  clearApplied: 11,
  heardAtClear: 12,
  received: 13,
  /** When the newest caller audio arrived: microseconds of the worker's clock, modulo 2^32. */
  receivedAtUs: 14,
  /** 1 while this call stands on the doorbell's list. */
  isRung: 15,
  /** The position at the start of the inbound ring: moved to the newest one whenever main has read all. */
  inboundBase: 16,
  // Written by main: what it has read of the inbound ring.
  read: 17,
} as const;

const WORD_BYTES = 18 * Int32Array.BYTES_PER_ELEMENT;
/** Queue and rewind of the way out. */
const OUTBOUND_SECONDS = 2;
const INBOUND_SECONDS = 1;
/** The longest step back of a resume. */
export const REWIND_MS = 400;

/** Zeroed memory for a call at `sampleRate` Hz: 2 s out, 1 s in (48 KiB at 8 kHz). */
export function createCallMemory(sampleRate: number): CallMemory {
  const samples = capacity(sampleRate, OUTBOUND_SECONDS) + capacity(sampleRate, INBOUND_SECONDS);
  const sizeBytes = WORD_BYTES + samples * Int16Array.BYTES_PER_ELEMENT;
  return openCallMemory(new SharedArrayBuffer(sizeBytes), sampleRate);
}

/** The views on memory that the other thread created. */
export function openCallMemory(buffer: SharedArrayBuffer, sampleRate: number): CallMemory {
  const outboundSamples = capacity(sampleRate, OUTBOUND_SECONDS);
  const inboundAt = WORD_BYTES + outboundSamples * Int16Array.BYTES_PER_ELEMENT;
  return {
    buffer,
    sampleRate,
    words: new Int32Array(buffer, 0, WORD_BYTES / Int32Array.BYTES_PER_ELEMENT),
    outbound: new Int16Array(buffer, WORD_BYTES, outboundSamples),
    inbound: new Int16Array(buffer, inboundAt, capacity(sampleRate, INBOUND_SECONDS)),
  };
}

/** Samples before the heard position that stay in the ring for a rewind. */
export function rewindSamples(sampleRate: number): number {
  return (sampleRate * REWIND_MS) / 1000;
}

/** Samples that may wait to be sent. */
export function queueLimit(sampleRate: number): number {
  return sampleRate * OUTBOUND_SECONDS - rewindSamples(sampleRate);
}

/** A power of two, so that a position modulo 2^32 maps to a place by masking. */
function capacity(sampleRate: number, seconds: number): number {
  return 2 ** Math.ceil(Math.log2(sampleRate * seconds));
}
