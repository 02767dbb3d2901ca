import type { AudioFrame } from '@assistant/server/core/audio-frame';
import type { ReplyId } from '@assistant/server/core/ids';
import type {
  Cleared,
  MediaCapabilities,
  MediaListener,
  MediaTransport,
  PlayoutPosition,
} from '@assistant/server/core/ports/media-transport';

/** How far the server believed to be, and how far it was, in ms of the reply that plays. */
export type Reading = {
  readonly believedMs: number;
  readonly playedMs: number;
  /** This process, which plays both sides, stood still a moment before: it says nothing about the server. */
  readonly isDisturbed: boolean;
};

/** How often it is looked. */
export const LOOK_EVERY_MS = 5;
/** A look that comes so late tells that the process stood still; its traces are gone after a while. */
const STILL_MS = 30;
const TRACES_MS = 1_000;

/** Tells how many samples have sounded in all, by the carrier's own clock. */
export type Truth = { soundedSamples(): number; recordedSamples(): number };

/**
 * A call's media with somebody who compares: where a reply began, in the server's positions and in the carrier's recording, and at
 * each pause what the server takes for heard and what has sounded.
 */
export class WatchedMedia implements MediaTransport {
  readonly capabilities: MediaCapabilities;
  readonly sampleRate: number;
  /** At each interruption. */
  readonly atPause: Reading[] = [];
  /** At any time while a reply plays. */
  readonly atAnyTime: Reading[] = [];
  /** Where the audio of each reply begins in the carrier's recording. */
  readonly replyStarts: number[] = [];
  truth: Truth | null = null;
  readonly #media: MediaTransport;
  #replyId: ReplyId | null = null;
  #serverStart = 0;
  #isPlaying = false;
  #lookedMs = Number.POSITIVE_INFINITY;
  #stoodStillMs = Number.NEGATIVE_INFINITY;

  constructor(media: MediaTransport) {
    this.#media = media;
    this.capabilities = media.capabilities;
    this.sampleRate = media.sampleRate;
  }

  /** Compares now, if a reply plays. */
  look(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs > STILL_MS) this.#stoodStillMs = nowMs;
    this.#lookedMs = nowMs;
    const reading = this.#read();
    if (reading) this.atAnyTime.push(reading);
  }

  listen(listener: MediaListener): void {
    this.#media.listen(listener);
  }

  play(frame: AudioFrame, replyId: ReplyId): number {
    if (replyId !== this.#replyId && this.truth) {
      this.#replyId = replyId;
      this.#serverStart = this.#media.position().queued;
      this.replyStarts.push(this.truth.recordedSamples());
      this.#isPlaying = true;
    }
    return this.#media.play(frame, replyId);
  }

  endReply(replyId: ReplyId): void {
    this.#media.endReply(replyId);
  }

  pause(): void {
    const reading = this.#read();
    if (reading) this.atPause.push(reading);
    this.#isPlaying = false;
    this.#media.pause();
  }

  resume(rewindSamples?: number): void {
    this.#media.resume(rewindSamples);
  }

  clear(): Cleared {
    this.#isPlaying = false;
    return this.#media.clear();
  }

  mark(id: string): void {
    this.#media.mark(id);
  }

  position(): PlayoutPosition {
    return this.#media.position();
  }

  sendDigits(digits: string): void {
    this.#media.sendDigits(digits);
  }

  close(): void {
    this.#media.close();
  }

  #read(): Reading | null {
    const start = this.replyStarts.at(-1);
    if (!this.#isPlaying || !this.truth || start === undefined) return null;
    const perMs = this.sampleRate / 1000;
    const nowMs = performance.now();
    const lastStillMs = nowMs - this.#lookedMs > STILL_MS ? nowMs : this.#stoodStillMs;
    return {
      isDisturbed: nowMs - lastStillMs < TRACES_MS,
      believedMs: (this.#media.position().heard - this.#serverStart) / perMs,
      playedMs: (this.truth.soundedSamples() - start) / perMs,
    };
  }
}
