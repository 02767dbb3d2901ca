import { levelDbfs } from '../audio/level.ts';

/** A frame of the far side over this level is voice. Silence from the server is digital zero; -50 leaves line noise out. */
export const FAR_VOICE_DBFS = -50;

/** A frame as it arrived. */
export type HeardFrame = {
  /** performance.now() */
  readonly atMs: number;
  /** Where it lies in `samples()`. */
  readonly from: number;
  readonly to: number;
  readonly dbfs: number;
};

/** Everything the phone heard: the samples in order, and when each frame came. */
export class HeardAudio {
  readonly sampleRate: number;
  readonly frames: HeardFrame[] = [];
  #samples = new Int16Array(0);
  #length = 0;

  constructor(sampleRate: number) {
    this.sampleRate = sampleRate;
  }

  add(samples: Int16Array, atMs: number): HeardFrame {
    this.#reserve(samples.length);
    this.#samples.set(samples, this.#length);
    const frame = { atMs, from: this.#length, to: this.#length + samples.length, dbfs: levelDbfs(samples) };
    this.#length = frame.to;
    this.frames.push(frame);
    return frame;
  }

  /** All samples so far, one after the other, a view. */
  samples(): Int16Array {
    return this.#samples.subarray(0, this.#length);
  }

  /** First frame of voice at or after a time, if any. */
  firstVoiceAt(fromMs: number): number | undefined {
    return this.frames.find((frame) => frame.atMs >= fromMs && isVoice(frame))?.atMs;
  }

  /** First frame of voice after a pause of at least `pauseMs` at or after a time: how an answer begins. */
  firstVoiceAfterPause(fromMs: number, pauseMs: number): number | undefined {
    let lastVoiceMs = this.frames.findLast((frame) => frame.atMs < fromMs && isVoice(frame))?.atMs ?? 0;
    for (const frame of this.frames) {
      if (frame.atMs < fromMs || !isVoice(frame)) continue;
      if (frame.atMs - lastVoiceMs >= pauseMs) return frame.atMs;
      lastVoiceMs = frame.atMs;
    }
    return undefined;
  }

  /**
   * When the far side's voice ended for good: the end of its last frame of voice that is followed by at least `quietMs`
   * without any. Undefined: it has not been quiet that long since `fromMs`. When it did not speak at `fromMs`, that time.
   */
  quietFrom(fromMs: number, quietMs: number, untilMs: number): number | undefined {
    let lastVoiceMs = fromMs;
    for (const frame of this.frames) {
      if (frame.atMs < fromMs || !isVoice(frame)) continue;
      if (frame.atMs - lastVoiceMs >= quietMs) return lastVoiceMs;
      lastVoiceMs = frame.atMs;
    }
    return untilMs - lastVoiceMs >= quietMs ? lastVoiceMs : undefined;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#samples.length) return;
    const larger = new Int16Array(Math.max(80_000, 2 * (this.#length + count)));
    larger.set(this.#samples.subarray(0, this.#length));
    this.#samples = larger;
  }
}

export function isVoice(frame: HeardFrame): boolean {
  return frame.dbfs > FAR_VOICE_DBFS;
}
