import type { Clock } from '../core/ports/clock.ts';
import type { Cleared } from '../core/ports/media-transport.ts';

type Mark = { readonly id: string; readonly at: number };

/** The round trip is the longest of so many measurements: one that was lucky is no promise. */
const MEASUREMENTS = 4;

/**
 * Where the listener is, on a channel whose other side buffers and owns the playout clock (Twilio, Vonage, Exotel,
 * chan_websocket). Positions are samples of the outbound stream.
 *
 * Known for certain is only the newest mark that was echoed. From there time runs on, but never beyond what was sent, nor
 * beyond a mark that is still out: had that audio been played, its mark would be back. After the buffer ran dry time stands
 * still until the next echo; the same where it may have run dry before what goes out now arrives. So the position errs
 * towards "not heard", by the distance of two marks at most.
 */
export class RemotePlayhead {
  readonly #samplesPerMs: number;
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** Marks that are out, oldest first. */
  #marks: Mark[] = [];
  /** The position of the next sample to be put on the wire. Behind `#sent` while audio is repeated after a flush. */
  #wire = 0;
  #sent = 0;
  #heard = 0;
  /** The last position known to be played, and since when time runs on from there; null: it stands still. */
  #base = 0;
  #sinceMs: number | null = null;
  #isPaused = false;
  /** Positions where playing may have halted: not passed before a mark behind them is echoed. Oldest first. */
  #doubts: number[] = [];
  /** What was sent first into an empty buffer, and when; its echo tells how far away the other side is. */
  #start: { readonly at: number; readonly atMs: number } | null = null;
  #roundTripsMs: number[] = [];

  constructor(sampleRate: number, clock: Pick<Clock, 'nowMs'>) {
    this.#samplesPerMs = sampleRate / 1000;
    this.#clock = clock;
  }

  /** Samples that were put on the wire, repeated ones counted once. */
  get sent(): number {
    return this.#sent;
  }

  /** Samples put on the wire and not known to be played: the lead. */
  get ahead(): number {
    return this.#wire - this.#playing();
  }

  /** Marks that are out. */
  get pendingMarks(): number {
    return this.#marks.length;
  }

  /**
   * From our sending to the echo, less the time of playing, in ms: both ways of the network and the other side's own time. Null
   * before the first echo.
   */
  get roundTripMs(): number | null {
    return this.#roundTripsMs.length === 0 ? null : Math.max(...this.#roundTripsMs);
  }

  /** Notes that so many samples more went out. */
  send(samples: number): void {
    const playing = this.#playing();
    // The shortest: one measurement that a hiccup spoiled must not make everything that follows doubtful.
    const travellingMs = this.#roundTripsMs.length === 0 ? 0 : Math.min(...this.#roundTripsMs);
    if (playing >= this.#wire) {
      // The buffer ran dry, so what goes out now starts at a moment we do not know: wait for the next echo.
      this.#stand(playing);
      this.#start = { at: this.#wire, atMs: this.#clock.nowMs() };
    } else if (this.#sinceMs !== null && this.#wire - playing < travellingMs * this.#samplesPerMs) {
      // It will have run dry by the time this arrives, or may have.
      if (this.#doubts.at(-1) !== this.#wire) this.#doubts.push(this.#wire);
    }
    this.#wire += samples;
    this.#sent = Math.max(this.#sent, this.#wire);
  }

  /** Notes that a mark went out, behind all audio sent so far. Ids are never used twice in a call. */
  mark(id: string): void {
    this.#marks.push({ id, at: this.#wire });
  }

  /**
   * A mark came back. Returns the ids of all marks that are thereby known to be reached, in order: none for a mark that is
   * unknown or was set before the last flush.
   */
  echoed(id: string): string[] {
    const index = this.#marks.findIndex((mark) => mark.id === id);
    const mark = this.#marks[index];
    if (!mark) return [];
    const reached = this.#marks.splice(0, index + 1);
    this.#base = mark.at;
    this.#sinceMs = this.#clock.nowMs();
    this.#doubts = this.#doubts.filter((at) => at >= mark.at);
    this.#measure(mark.at);
    return reached.map((one) => one.id);
  }

  /** The position up to which everything that was not cleared has been heard. Never decreases, never beyond `sent`. */
  heard(): number {
    this.#heard = Math.max(this.#heard, this.#playing());
    return this.#heard;
  }

  /** The other side holds its queue (chan_websocket's PAUSE_MEDIA): time stands still. */
  pause(): void {
    this.#base = this.#playing();
    this.#isPaused = true;
    this.#start = null;
  }

  /** The other side plays on (CONTINUE_MEDIA). */
  resume(): void {
    if (this.#isPaused && this.#sinceMs !== null) this.#sinceMs = this.#clock.nowMs();
    this.#isPaused = false;
  }

  /**
   * The other side was told to drop its queue, but we keep the audio to send it again: returns the heard position. All marks
   * that are out count as cleared, whenever they come back.
   * @param from position of the next sample to go out: the heard position or a little before
   */
  flush(from?: number): number {
    const heard = this.heard();
    this.#marks = [];
    this.#doubts = [];
    this.#start = null;
    this.#isPaused = false;
    this.#wire = Math.max(0, Math.min(from ?? heard, heard));
    this.#stand(this.#wire);
    return heard;
  }

  /** As `flush`, and everything up to `queued` is given up: positions jump over it. */
  clear(queued: number): Cleared {
    const heard = this.flush();
    const end = Math.max(queued, this.#sent);
    this.#wire = end;
    this.#sent = end;
    this.#stand(end);
    this.heard();
    return { heardSamples: heard, droppedSamples: end - heard };
  }

  /** The position being played, as far as it is certain; heard audio that is repeated is passed again. */
  #playing(): number {
    if (this.#sinceMs === null || this.#isPaused) return this.#base;
    const elapsedMs = Math.max(0, this.#clock.nowMs() - this.#sinceMs);
    const limit = Math.min(this.#marks[0]?.at ?? this.#wire, this.#doubts[0] ?? this.#wire);
    return Math.min(limit, this.#base + Math.floor(elapsedMs * this.#samplesPerMs));
  }

  #measure(at: number): void {
    const start = this.#start;
    if (!start || at <= start.at) return;
    this.#start = null;
    const playedMs = (at - start.at) / this.#samplesPerMs;
    this.#roundTripsMs.push(Math.max(0, this.#clock.nowMs() - start.atMs - playedMs));
    if (this.#roundTripsMs.length > MEASUREMENTS) this.#roundTripsMs.shift();
  }

  #stand(at: number): void {
    this.heard();
    this.#base = at;
    this.#sinceMs = null;
  }
}
