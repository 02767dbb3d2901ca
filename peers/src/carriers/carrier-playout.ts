/** What a carrier plays is cut into frames of this length; a command takes hold between two of them. */
export const FRAME_MS = 20;

export type PlayoutRules = {
  /** Hz */
  readonly sampleRate: number;
  /** Messages that may wait; null: the carrier names no limit. */
  readonly mostMessages: number | null;
  /** Twilio gives the marks of dropped audio back at once; the others drop them. */
  readonly clearReturnsMarks: boolean;
};

/** A stretch of the recording and when its first sample began to sound. */
export type PlayedFrame = { readonly atMs: number; readonly from: number; readonly to: number };

export type PlayoutEvents = {
  /** A frame begins to sound. */
  readonly playing: (samples: Int16Array, atMs: number) => void;
  /** All audio before the mark has sounded; with `isCleared` it was dropped instead. */
  readonly mark: (name: string, isCleared: boolean) => void;
};

type Entry =
  | { readonly type: 'audio'; readonly samples: Int16Array; at: number }
  | { readonly type: 'mark'; readonly name: string };

/**
 * The buffer between a carrier's socket and the listener, and the record of what was played out of it, sample by sample. It has
 * a clock of 20 ms of its own; time is an argument and what is overdue is caught up before anything else happens, so what was
 * played does not depend on when a timer fired.
 */
export class CarrierPlayout {
  readonly sampleRate: number;
  readonly #rules: PlayoutRules;
  readonly #events: PlayoutEvents;
  readonly #startMs: number;
  readonly #frameSamples: number;
  readonly #queue: Entry[] = [];
  /** Behind audio that sounds now. */
  #soundingMarks: string[] = [];
  readonly #frames: PlayedFrame[] = [];
  #recording = new Int16Array(80_000);
  #played = 0;
  #ticks = 0;
  #messages = 0;
  /** Times the buffer was empty between two frames of audio that came less than a second apart. */
  underruns = 0;

  constructor(rules: PlayoutRules, startMs: number, events: PlayoutEvents) {
    this.sampleRate = rules.sampleRate;
    this.#rules = rules;
    this.#events = events;
    this.#startMs = startMs;
    this.#frameSamples = (rules.sampleRate * FRAME_MS) / 1000;
  }

  /** Everything that was played, without the silence between; a view. */
  get recording(): Int16Array {
    return this.#recording.subarray(0, this.#played);
  }

  /** Which part of the recording sounded when. */
  get frames(): readonly PlayedFrame[] {
    return this.#frames;
  }

  /** Samples that wait. */
  get waiting(): number {
    return this.#queue.reduce((sum, entry) => sum + (entry.type === 'audio' ? entry.samples.length - entry.at : 0), 0);
  }

  /** Samples that have sounded to their end, counted from the first of the call. */
  positionAt(nowMs: number): number {
    this.advanceTo(nowMs);
    const last = this.#frames.at(-1);
    if (!last) return 0;
    const sounded = Math.floor(((nowMs - last.atMs) * this.sampleRate) / 1000);
    return Math.min(last.to, last.from + Math.max(0, sounded));
  }

  /** A message of audio came. Returns what is wrong with it, null when it was taken. */
  push(samples: Int16Array, nowMs: number): string | null {
    this.advanceTo(nowMs);
    const { mostMessages } = this.#rules;
    if (mostMessages !== null && this.#messages >= mostMessages) return `audio behind ${mostMessages} waiting messages`;
    if (samples.length > 0) {
      this.#queue.push({ type: 'audio', samples, at: 0 });
      this.#messages++;
    }
    return null;
  }

  mark(name: string, nowMs: number): void {
    this.advanceTo(nowMs);
    this.#queue.push({ type: 'mark', name });
  }

  /** Drops what waits. The frame that sounds goes on to its end. */
  clear(nowMs: number): void {
    this.advanceTo(nowMs);
    const dropped = this.#queue.splice(0);
    this.#messages = 0;
    if (!this.#rules.clearReturnsMarks) return;
    for (const entry of dropped) if (entry.type === 'mark') this.#events.mark(entry.name, true);
  }

  /** Marks that wait behind audio, oldest first. */
  get waitingMarks(): readonly string[] {
    return this.#queue.flatMap((entry) => (entry.type === 'mark' ? [entry.name] : []));
  }

  /** Plays every frame whose time has come. */
  advanceTo(nowMs: number): void {
    for (let atMs = this.#nextTickMs; atMs <= nowMs; atMs = this.#nextTickMs) {
      this.#ticks++;
      this.#tick(atMs);
    }
  }

  get #nextTickMs(): number {
    return this.#startMs + (this.#ticks + 1) * FRAME_MS;
  }

  #tick(atMs: number): void {
    const due = this.#soundingMarks;
    this.#soundingMarks = [];
    for (const name of due) this.#events.mark(name, false);
    const frame = this.#take();
    if (frame.length === 0) return;
    const last = this.#frames.at(-1);
    const quietMs = last ? atMs - last.atMs - ((last.to - last.from) * 1000) / this.sampleRate : 0;
    if (quietMs > 1 && quietMs < 1_000) this.underruns++;
    this.#keep(frame, atMs);
    this.#events.playing(frame, atMs);
  }

  #take(): Int16Array {
    const frame = new Int16Array(this.#frameSamples);
    let length = 0;
    for (let entry = this.#queue[0]; entry && length < frame.length; entry = this.#queue[0]) {
      if (entry.type === 'mark') {
        this.#queue.shift();
        if (length === 0) this.#events.mark(entry.name, false);
        else this.#soundingMarks.push(entry.name);
        continue;
      }
      const part = entry.samples.subarray(entry.at, entry.at + frame.length - length);
      frame.set(part, length);
      length += part.length;
      entry.at += part.length;
      if (entry.at < entry.samples.length) continue;
      this.#queue.shift();
      this.#messages--;
    }
    if (length === frame.length) this.#marksBehind();
    return frame.subarray(0, length);
  }

  /** Marks right behind a frame are due when it ends. */
  #marksBehind(): void {
    for (let entry = this.#queue[0]; entry?.type === 'mark'; entry = this.#queue[0]) {
      this.#queue.shift();
      this.#soundingMarks.push(entry.name);
    }
  }

  #keep(frame: Int16Array, atMs: number): void {
    const from = this.#played;
    const to = from + frame.length;
    if (to > this.#recording.length) {
      const larger = new Int16Array(2 * to);
      larger.set(this.recording);
      this.#recording = larger;
    }
    this.#recording.set(frame, from);
    this.#played = to;
    this.#frames.push({ atMs, from, to });
  }
}
