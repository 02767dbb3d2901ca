import type { Clock, Timer } from '../../core/ports/clock.ts';

type Mark = { readonly id: string; readonly atMs: number };

export type EchoWatchParts = {
  readonly clock: Clock;
  /** How long after its audio should have been played a mark may still be out. */
  readonly marginMs: number;
  /** The same for the newest mark: what follows from it, like a hang-up, cannot be taken back. */
  readonly lastMarginMs: number;
  /** The oldest mark is late; told again after each further margin. The listener calls `echoed` to be done with it. */
  readonly overdue: (id: string) => void;
};

/**
 * Expects echoes by the clock: what was sent is played in real time from the moment it was sent or, when the other side still
 * has audio, after that. Tells which marks should have come back by now, for peers that lose them or have none.
 */
export class EchoWatch {
  readonly #parts: EchoWatchParts;
  #marginMs: number;
  #lastMarginMs: number;
  #marks: Mark[] = [];
  #sentMs = 0;
  /** When the other side will have played all it has, if it is not held. */
  #endsAtMs = 0;
  #heldAtMs: number | null = null;
  #timer: Timer | null = null;

  constructor(parts: EchoWatchParts) {
    this.#parts = parts;
    this.#marginMs = parts.marginMs;
    this.#lastMarginMs = parts.lastMarginMs;
  }

  /** What the other side has left to play, in ms, by the clock. */
  get leftMs(): number {
    return Math.max(0, this.#endsAtMs - this.#nowMs());
  }

  /** The ids of the marks that are out, oldest first. */
  get pending(): readonly string[] {
    return this.#marks.map((mark) => mark.id);
  }

  setMargin(marginMs: number, lastMarginMs = this.#lastMarginMs): void {
    this.#marginMs = marginMs;
    this.#lastMarginMs = lastMarginMs;
    this.#arm();
  }

  /** So many ms of audio went out. */
  sent(durationMs: number): void {
    this.#endsAtMs = Math.max(this.#nowMs(), this.#endsAtMs) + durationMs;
    this.#sentMs += durationMs;
    this.#arm();
  }

  /** A mark went out behind all audio sent so far. */
  mark(id: string): void {
    this.#marks.push({ id, atMs: this.#sentMs });
    this.#arm();
  }

  /** A mark came back, or is given up: it and those before it are out no longer. */
  echoed(id: string): void {
    const index = this.#marks.findIndex((mark) => mark.id === id);
    if (index < 0) return;
    this.#marks.splice(0, index + 1);
    this.#arm();
  }

  hold(): void {
    this.#heldAtMs ??= this.#parts.clock.nowMs();
    this.#disarm();
  }

  goOn(): void {
    if (this.#heldAtMs === null) return;
    const leftMs = this.leftMs;
    this.#heldAtMs = null;
    this.#endsAtMs = this.#nowMs() + leftMs;
    this.#arm();
  }

  /** No mark that is out will come back. `isEmptied`: the other side dropped its audio too. */
  forget(isEmptied: boolean): void {
    this.#marks = [];
    if (isEmptied) this.#endsAtMs = this.#nowMs();
    this.#disarm();
  }

  /** Ends all waiting. */
  stop(): void {
    this.forget(true);
  }

  #nowMs(): number {
    return this.#heldAtMs ?? this.#parts.clock.nowMs();
  }

  #arm(notBeforeMs = 0): void {
    this.#disarm();
    const [oldest] = this.#marks;
    if (!oldest || this.#heldAtMs !== null) return;
    const untilPlayedMs = this.#endsAtMs - this.#nowMs() - (this.#sentMs - oldest.atMs);
    const marginMs = this.#marks.length === 1 ? this.#lastMarginMs : this.#marginMs;
    this.#timer = this.#parts.clock.after(Math.max(notBeforeMs, untilPlayedMs + marginMs), () => {
      this.#timer = null;
      this.#parts.overdue(oldest.id);
      if (!this.#timer) this.#arm(this.#marginMs);
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
