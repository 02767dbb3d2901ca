import type {
  VoiceActivityDetector,
  VoiceActivityListener,
  VoiceActivitySession,
} from '@assistant/server/core/ports/voice-activity-detector';

const WINDOW_SAMPLES = 256;
const LOUD = 500;

/** Takes every loud stretch for voice: what a test says is what is detected. Judges within `push`. */
export class LoudnessVad implements VoiceActivityDetector {
  readonly name = 'loudness';
  readonly windowMs = 32;
  /** Sessions that are open. */
  openSessions = 0;

  open(listener: VoiceActivityListener): VoiceActivitySession {
    this.openSessions++;
    let isOpen = true;
    let judged = 0;
    let line: number[] = [];
    return {
      push: (samples, clockMs) => {
        line.push(...samples);
        while (isOpen && line.length >= WINDOW_SAMPLES) {
          const window = line.slice(0, WINDOW_SAMPLES);
          line = line.slice(WINDOW_SAMPLES);
          judged += WINDOW_SAMPLES;
          const rms = Math.sqrt(window.reduce((sum, sample) => sum + sample * sample, 0) / WINDOW_SAMPLES);
          listener.window({
            probability: rms >= LOUD ? 0.95 : 0.01,
            levelDb: rms === 0 ? -100 : 20 * Math.log10(rms / 32_768),
            endMs: clockMs - line.length / 8,
            endSample: judged,
          });
        }
      },
      reset: () => {
        line = [];
      },
      close: () => {
        if (isOpen) this.openSessions--;
        isOpen = false;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
