import { levelDb } from '@assistant/server/audio/level';
import { AppError } from '@assistant/server/core/errors';
import type {
  VoiceActivityDetector,
  VoiceActivityListener,
  VoiceActivitySession,
} from '@assistant/server/core/ports/voice-activity-detector';

const WINDOW_SAMPLES = 256;
const SAMPLES_PER_MS = 8;

/** What a test lets the detector say about a window: its probability. */
export type VoiceScript = (window: Int16Array, endMs: number) => number;

export type ScriptedVadOptions = {
  /** Otherwise whatever is louder than -45 dBFS is voice: a test plays tones for it. */
  readonly script?: VoiceScript;
  readonly maxSessions?: number;
};

/** A detector without a model or a thread: the test says what is voice, and windows come before `push` returns. */
export class ScriptedVad implements VoiceActivityDetector {
  readonly name = 'scripted';
  readonly windowMs = WINDOW_SAMPLES / SAMPLES_PER_MS;
  readonly #sessions = new Set<ScriptedSession>();
  readonly #script: VoiceScript;
  readonly #maxSessions: number;

  constructor({ script = byLevel, maxSessions = Number.POSITIVE_INFINITY }: ScriptedVadOptions = {}) {
    this.#script = script;
    this.#maxSessions = maxSessions;
  }

  /** Sessions that were not closed: none after a call. */
  get openSessions(): number {
    return this.#sessions.size;
  }

  open(listener: VoiceActivityListener): VoiceActivitySession {
    if (this.#sessions.size >= this.#maxSessions) throw new AppError('over_capacity');
    const session = new ScriptedSession(listener, this.#script, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  /** As if the worker died: every session loses what it had not judged and is told. */
  restart(): void {
    for (const session of [...this.#sessions]) session.restart();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of [...this.#sessions]) session.close();
  }
}

class ScriptedSession implements VoiceActivitySession {
  readonly #listener: VoiceActivityListener;
  readonly #script: VoiceScript;
  readonly #onClose: () => void;
  readonly #window = new Int16Array(WINDOW_SAMPLES);
  #filled = 0;
  #pushed = 0;
  #isOpen = true;

  constructor(listener: VoiceActivityListener, script: VoiceScript, onClose: () => void) {
    this.#listener = listener;
    this.#script = script;
    this.#onClose = onClose;
  }

  push(samples: Int16Array, clockMs: number): void {
    const end = this.#pushed + samples.length;
    for (const sample of samples) {
      if (!this.#isOpen) return;
      this.#window[this.#filled++] = sample;
      this.#pushed++;
      if (this.#filled === WINDOW_SAMPLES) this.#judge(clockMs - (end - this.#pushed) / SAMPLES_PER_MS);
    }
  }

  reset(): void {
    this.#filled = 0;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onClose();
  }

  restart(): void {
    this.reset();
    this.#listener.restarted();
  }

  #judge(endMs: number): void {
    this.#filled = 0;
    const probability = this.#script(this.#window, endMs);
    this.#listener.window({ probability, levelDb: levelDb(this.#window), endMs, endSample: this.#pushed });
  }
}

function byLevel(window: Int16Array): number {
  return levelDb(window) > -45 ? 0.95 : 0.02;
}
