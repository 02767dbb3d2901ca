import { SharedRingWriter } from '../audio/shared-ring.ts';
import type { VoiceActivityListener, VoiceActivitySession } from '../core/ports/voice-activity-detector.ts';
import { ClockTrack } from './clock-track.ts';
import { ROW, type StreamNumber } from './messages.ts';

export const SAMPLE_RATE = 8_000;

/** What a session needs of the detector. */
export type SessionDesk = {
  /** Begins a stream at this place of the ring and returns its number. */
  readonly begin: (session: VoiceSession, position: number) => StreamNumber;
  readonly end: (stream: StreamNumber) => void;
  readonly release: (session: VoiceSession) => void;
};

/**
 * One call's detection on main: writes its ring, turns rows into windows. The worker hears of it with the first audio: a call
 * that is over before that costs no message.
 */
export class VoiceSession implements VoiceActivitySession {
  readonly memory: SharedArrayBuffer;
  readonly #ring: SharedRingWriter;
  readonly #listener: VoiceActivityListener;
  readonly #desk: SessionDesk;
  readonly #track = new ClockTrack(SAMPLE_RATE);
  #stream: StreamNumber | null = null;
  /** Position at which the stream began. */
  #base = 0;
  #isOpen = true;

  constructor(memory: SharedArrayBuffer, listener: VoiceActivityListener, desk: SessionDesk) {
    this.memory = memory;
    this.#ring = new SharedRingWriter(memory);
    this.#listener = listener;
    this.#desk = desk;
  }

  push(samples: Int16Array, clockMs: number): void {
    if (!this.#isOpen || samples.length === 0) return;
    if (this.#stream === null) this.#begin();
    this.#track.note(samples.length, clockMs);
    this.#ring.write(samples);
  }

  reset(): void {
    if (this.#isOpen) this.#end();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#end();
    this.#desk.release(this);
  }

  /** The worker died: what it had not judged is lost, what comes from now on waits for the next one. */
  restart(): void {
    this.#end();
    this.#listener.restarted();
  }

  /** Takes a row of this session's stream, which begins at `at`. */
  receive(rows: Float64Array, at: number): void {
    const endSample = this.#base + (rows[at + ROW.endSample] as number);
    this.#listener.window({
      probability: rows[at + ROW.probability] as number,
      levelDb: rows[at + ROW.levelDb] as number,
      endMs: this.#track.clockAt(endSample),
      endSample,
    });
  }

  #end(): void {
    if (this.#stream !== null) this.#desk.end(this.#stream);
    this.#stream = null;
  }

  #begin(): void {
    this.#base = this.#track.end;
    this.#stream = this.#desk.begin(this, this.#ring.position);
  }
}
