import type { AudioFrame } from '@assistant/server/core/audio-frame';
import type { ReplyId } from '@assistant/server/core/ids';
import type {
  Cleared,
  MediaEnd,
  MediaListener,
  MediaTransport,
  PlayoutPosition,
} from '@assistant/server/core/ports/media-transport';

/**
 * A transport under test and the peer at the other end of its wire. With an injected clock `pass` moves that clock and the
 * peer's playout with it; over a real wire it waits. The peer of a remote clock plays what it buffered in real time, echoes
 * marks and obeys clear, as its carrier does.
 */
export interface MediaHarness {
  readonly transport: MediaTransport;
  /** The clock is injected: times are exact, and so are the checks. */
  readonly isExact: boolean;
  /** Audio that may still be heard after a pause or clear, in ms: 20 where we pace. */
  readonly stopWithinMs: number;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /** All the peer's ear has heard so far, silence included where silence is sent, at the transport's rate. */
  heard(): Int16Array;
  /** The caller says this, 20 ms after 20 ms: `pass` the time. */
  speak(samples: Int16Array): void;
  press(digit: string): void;
  /** The peer hangs up as its protocol has it. */
  hangUp(): void;
  /** The connection breaks. */
  breakOff(): void;
  /** What a break is told as: `lost`, unless this wire cannot tell it from a hang-up. */
  readonly breakIsToldAs?: MediaEnd['type'];
  /** Whether the peer has seen our hang-up. */
  isHungUp(): boolean;
}

export const FIRST = 1 as ReplyId;
export const SECOND = 2 as ReplyId;

/** Steps between the levels test audio is made of: coarse enough to survive μ-law and A-law. */
const LEVEL_STEP = 2000;

/** Audio of one level (1 to 8) for `ms`. */
export function tone(level: number, ms: number, sampleRate: number): Int16Array {
  return new Int16Array((sampleRate * ms) / 1000).fill(level * LEVEL_STEP);
}

/** One piece of each level, in a row. */
export function scale(levels: readonly number[], ms: number, sampleRate: number): Int16Array {
  return Int16Array.from(levels.flatMap((level) => Array.from(tone(level, ms, sampleRate))));
}

/** The levels in audio and how many samples of each, silence left out; what silence alone divides counts as one. */
export function levels(samples: Int16Array): [level: number, samples: number][] {
  const runs: [number, number][] = [];
  for (const sample of samples) {
    const level = Math.round(sample / LEVEL_STEP);
    if (level === 0) continue;
    const last = runs.at(-1);
    if (last?.[0] === level) last[1]++;
    else runs.push([level, 1]);
  }
  return runs;
}

/** How many samples of audio, silence left out. */
export function loud(samples: Int16Array): number {
  return levels(samples).reduce((sum, [, count]) => sum + count, 0);
}

/** A listener that writes everything down. */
export class Notebook implements MediaListener {
  readonly events: string[] = [];
  readonly digits: string[] = [];
  readonly marks: string[] = [];
  readonly clears: Cleared[] = [];
  readonly clockMs: number[] = [];
  readonly ends: MediaEnd[] = [];
  writables = 0;
  #samples: number[] = [];

  get audioSamples(): Int16Array {
    return Int16Array.from(this.#samples);
  }

  audio(view: Int16Array, clockMs: number): void {
    if (this.events.at(-1) !== 'audio') this.events.push('audio');
    for (const sample of view) this.#samples.push(sample);
    this.clockMs.push(clockMs);
  }

  digit(digit: string): void {
    this.events.push(`digit ${digit}`);
    this.digits.push(digit);
  }

  played(mark: string): void {
    this.events.push(`played ${mark}`);
    this.marks.push(mark);
  }

  cleared(cleared: Cleared): void {
    this.events.push('cleared');
    this.clears.push(cleared);
  }

  writable(): void {
    this.events.push('writable');
    this.writables++;
  }

  held(isHeld: boolean): void {
    this.events.push(isHeld ? 'held' : 'resumed');
  }

  closed(end: MediaEnd): void {
    this.events.push('closed');
    this.ends.push(end);
  }
}

/** Enough for a machine under load; an injected clock needs no such patience. */
const LIMIT_MS = 15_000;
const EXACT_LIMIT_MS = 5_000;
const STEP_MS = 20;

/** Lets time pass until it is so. @throws Error naming what did not happen within 15 s (5 s of an injected clock). */
export async function until(harness: MediaHarness, what: string, isSo: () => boolean): Promise<void> {
  const limitMs = harness.isExact ? EXACT_LIMIT_MS : LIMIT_MS;
  for (let passed = 0; passed < limitMs; passed += STEP_MS) {
    if (isSo()) return;
    await harness.pass(STEP_MS);
  }
  if (!isSo()) throw new Error(`${what}: not within ${limitMs} ms`);
}

/** Attaches a new notebook. */
export function listenTo(harness: MediaHarness): Notebook {
  const notes = new Notebook();
  harness.transport.listen(notes);
  return notes;
}

/** Offers audio at the transport's rate; returns the samples accepted. */
export function play(harness: MediaHarness, samples: Int16Array, replyId = FIRST): number {
  const frame: AudioFrame = { samples, sampleRate: harness.transport.sampleRate };
  return harness.transport.play(frame, replyId);
}

/** Whether no position ever went back or overtook the next. */
export function isInOrder(positions: readonly PlayoutPosition[]): boolean {
  return positions.every((now, index) => {
    const before = positions[index - 1] ?? { queued: 0, sent: 0, heard: 0 };
    const rises = now.queued >= before.queued && now.sent >= before.sent && now.heard >= before.heard;
    return rises && now.heard <= now.sent && now.sent <= now.queued;
  });
}
