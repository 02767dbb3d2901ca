import { levelDbfs } from './level.ts';

/** Windows of 20 ms: shorter than any word. */
const WINDOW = 160;
/** A window under this holds no word. */
const VOICE_DBFS = -45;
/** Two windows with this correlation are the same sound; different speech of one voice stays below 0.8. */
const SAME = 0.92;
const MAX_BACK = 16_000;
const MAX_AHEAD = 40_000;
/** Windows of quiet that part two pieces of speech. */
const PIECE_PAUSE = 3;

/** How what was heard covers what should have been heard, in ms of voice (8 kHz). */
export type Coverage = {
  /** Voice of the reference that was never heard, up to the last sound heard. */
  readonly missingMs: number;
  /** Voice that was heard twice. */
  readonly repeatedMs: number;
  /** Pieces of speech between two pauses of at least 60 ms that were heard twice from end to end. */
  readonly repeatedPieces: number;
  /** Voice heard that is nowhere in the reference. */
  readonly strangeMs: number;
  /** Where in the reference the last sound heard lies. */
  readonly reachedMs: number;
};

/**
 * Finds each 20 ms of voice in a recording again in a reference rendering of the same speech, by normalised cross-correlation
 * from where the one before was found. Pauses in the recording may be of any length.
 */
export function coverage(heard: Int16Array, reference: Int16Array): Coverage {
  const counts = new Uint8Array(reference.length);
  let expected = 0;
  let lastEnd = 0;
  let strange = 0;
  let reached = 0;
  for (let from = 0; from + WINDOW <= heard.length; from += WINDOW) {
    if (levelDbfs(heard, from, from + WINDOW) <= VOICE_DBFS) {
      expected += WINDOW;
      continue;
    }
    const found = find(heard, from, reference, { expected, lastEnd });
    if (found === undefined) {
      strange++;
      expected += WINDOW;
      continue;
    }
    for (let at = found; at < found + WINDOW; at++) counts[at] = (counts[at] as number) + 1;
    lastEnd = found + WINDOW;
    expected = lastEnd;
    reached = Math.max(reached, lastEnd);
  }
  return { ...summed(reference, counts, reached), strangeMs: strange * 20, reachedMs: reached / 8 };
}

function summed(reference: Int16Array, counts: Uint8Array, reached: number) {
  let missing = 0;
  let repeated = 0;
  let repeatedPieces = 0;
  let piece: number[] = [];
  let quiet = 0;
  for (let from = 0; from + WINDOW <= reached; from += WINDOW) {
    if (levelDbfs(reference, from, from + WINDOW) <= VOICE_DBFS) {
      quiet++;
      if (quiet < PIECE_PAUSE) continue;
      if (piece.length > 2 && piece.every((count) => count > 1.5)) repeatedPieces++;
      piece = [];
      continue;
    }
    quiet = 0;
    const count = mean(counts, from);
    piece.push(count);
    if (count < 0.5) missing++;
    if (count > 1.5) repeated++;
  }
  return { missingMs: missing * 20, repeatedMs: repeated * 20, repeatedPieces };
}

function mean(counts: Uint8Array, from: number): number {
  let sum = 0;
  for (let at = from; at < from + WINDOW; at++) sum += counts[at] as number;
  return sum / WINDOW;
}

/** Where a window lies in the reference: first where it should, else the best place near. */
function find(
  heard: Int16Array,
  from: number,
  reference: Int16Array,
  { expected, lastEnd }: { readonly expected: number; readonly lastEnd: number },
): number | undefined {
  if (correlation(heard, from, reference, expected) >= SAME) return expected;
  let best = SAME;
  let found: number | undefined;
  const last = Math.min(reference.length - WINDOW, expected + MAX_AHEAD);
  for (let at = Math.max(0, lastEnd - MAX_BACK); at <= last; at++) {
    const value = correlation(heard, from, reference, at);
    // Of equal places the one nearest to where it should be.
    if (value > best + 0.001 || (found !== undefined && value >= best && nearer(at, found, expected))) {
      best = Math.max(best, value);
      found = at;
    }
  }
  return found;
}

function nearer(at: number, than: number, to: number): boolean {
  return Math.abs(at - to) < Math.abs(than - to);
}

/** Of two windows, from -1 to 1; 0 outside the reference. */
function correlation(a: Int16Array, fromA: number, b: Int16Array, fromB: number): number {
  if (fromB < 0 || fromB + WINDOW > b.length) return 0;
  let product = 0;
  let powerA = 0;
  let powerB = 0;
  for (let index = 0; index < WINDOW; index++) {
    const x = a[fromA + index] as number;
    const y = b[fromB + index] as number;
    product += x * y;
    powerA += x * x;
    powerB += y * y;
  }
  return powerA === 0 || powerB === 0 ? 0 : product / Math.sqrt(powerA * powerB);
}
