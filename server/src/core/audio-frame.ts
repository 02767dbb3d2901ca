/** Mono linear PCM, 16 bits: the only form in which audio travels inside the server. */
export type AudioFrame = {
  readonly samples: Int16Array;
  /** Hz */
  readonly sampleRate: number;
};

/** The packet time of every phone channel (RFC 3551, 4.2: 20 ms is the default). */
export const FRAME_MS = 20;

/** Samples in one 20 ms frame. */
export function samplesPerFrame(sampleRate: number): number {
  return (sampleRate * FRAME_MS) / 1000;
}
