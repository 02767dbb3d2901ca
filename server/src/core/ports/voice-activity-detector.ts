/** One judged stretch of caller audio (Silero at 8 kHz: 256 samples, 32 ms). */
export type VoiceWindow = {
  /** 0 to 1 */
  readonly probability: number;
  /** RMS of the window, dBFS; -100 for digital silence. */
  readonly levelDb: number;
  /** When the window's last sample arrived, on the caller's clock. */
  readonly endMs: number;
  /** Position of the window's end in the audio pushed to this session, in samples at 8000 Hz; resets and losses do not turn it back. */
  readonly endSample: number;
};

export interface VoiceActivityListener {
  window(window: VoiceWindow): void;
  /** The detector lost this session's state and began again (its worker was restarted). */
  restarted(): void;
}

/** One call's detection. Every verb is synchronous and never throws. */
export interface VoiceActivitySession {
  /** Caller audio in order, any length, at 8000 Hz; copied before the call returns. */
  push(samples: Int16Array, clockMs: number): void;
  /** Forgets the audio so far: after a hole in the stream. */
  reset(): void;
  /** Idempotent; no window comes after it. */
  close(): void;
}

/** Tells voice from everything else, for all calls of the process. */
export interface VoiceActivityDetector extends AsyncDisposable {
  readonly name: string;
  /** Length of one window. */
  readonly windowMs: number;
  /** @throws AppError over_capacity when no slot is free. */
  open(listener: VoiceActivityListener): VoiceActivitySession;
}
