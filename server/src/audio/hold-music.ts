import { gainOf } from './level.ts';

/** A root and four broken tones a bar, as MIDI note numbers (69 is A4, 440 Hz). Written for this file. */
const BARS = [
  { root: 60, tones: [64, 67, 72, 76] },
  { root: 57, tones: [64, 69, 72, 76] },
  { root: 65, tones: [65, 69, 72, 77] },
  { root: 55, tones: [62, 67, 71, 74] },
  { root: 60, tones: [67, 72, 76, 79] },
  { root: 64, tones: [64, 67, 71, 76] },
  { root: 65, tones: [69, 72, 77, 76] },
  { root: 67, tones: [74, 71, 67, 62] },
] as const;

const BAR_MS = 2_400;
const ATTACK_MS = 12;
/** A struck tone falls to a third in this time, and is left out after three times as long. */
const DECAY_MS = 700;
const DECAYS_KEPT = 3;
/** Overtones of the struck tone, by their share. */
const PARTIALS = [1, 0.28, 0.08] as const;
const TONE_GAIN = 1;
const ROOT_GAIN = 0.6;
/** Softer than a voice, so that the first word after it is no relief. */
const PEAK_DB = -20;
const FULL_SCALE = 32_767;

export const HOLD_MUSIC_MS = BARS.length * BAR_MS;

/** What a caller hears who waits: a quiet tune of broken chords, made once for each rate that calls have. */
export class HoldMusic {
  readonly #loops = new Map<number, Int16Array>();

  /** @param rates made now, Hz; others when they are first asked for, which takes some ten milliseconds. */
  constructor(rates: readonly number[] = []) {
    for (const rate of rates) this.loop(rate);
  }

  /** Samples at `sampleRate` Hz that begin again at their end without a seam; not to be written to. */
  loop(sampleRate: number): Int16Array {
    const known = this.#loops.get(sampleRate);
    if (known) return known;
    const made = makeHoldMusic(sampleRate);
    this.#loops.set(sampleRate, made);
    return made;
  }
}

function makeHoldMusic(sampleRate: number): Int16Array {
  const mix = new Float32Array(Math.round((HOLD_MUSIC_MS * sampleRate) / 1000));
  const struck = new Map<number, Float32Array>();
  const add = (note: number, startMs: number, gain: number) => {
    const tone = struck.get(note) ?? strike(note, sampleRate);
    struck.set(note, tone);
    mixIn(mix, tone, Math.round((startMs * sampleRate) / 1000), gain);
  };
  for (const [bar, { root, tones }] of BARS.entries()) {
    const startMs = bar * BAR_MS;
    add(root, startMs, ROOT_GAIN);
    for (const [index, note] of tones.entries()) add(note, startMs + (index * BAR_MS) / tones.length, TONE_GAIN);
  }
  return scaled(mix);
}

function strike(note: number, sampleRate: number): Float32Array {
  const tone = new Float32Array(Math.round((DECAYS_KEPT * DECAY_MS * sampleRate) / 1000));
  const pitchHz = 440 * 2 ** ((note - 69) / 12);
  for (const [index, share] of PARTIALS.entries()) {
    // Each sample of a sine from the two before it: a call to Math.sin for each would hold the process up.
    const turn = (2 * Math.PI * pitchHz * (index + 1)) / sampleRate;
    const step = 2 * Math.cos(turn);
    let before = -share * Math.sin(turn);
    let now = 0;
    for (let at = 0; at < tone.length; at++) {
      tone[at] = (tone[at] ?? 0) + now;
      const next = step * now - before;
      before = now;
      now = next;
    }
  }
  shape(tone, sampleRate);
  return tone;
}

/** A struck string: it rises at once and falls for long. */
function shape(tone: Float32Array, sampleRate: number): void {
  const attack = (ATTACK_MS * sampleRate) / 1000;
  const fade = tone.length / 10;
  const fall = Math.exp(-1000 / (DECAY_MS * sampleRate));
  let level = 1;
  for (let at = 0; at < tone.length; at++) {
    // At the end it fades to nothing, so that it makes no click.
    tone[at] = (tone[at] ?? 0) * level * Math.min(1, at / attack, (tone.length - at) / fade);
    level *= fall;
  }
}

/** What sounds on beyond the end sounds at the beginning. */
function mixIn(mix: Float32Array, tone: Float32Array, start: number, gain: number): void {
  for (let at = 0, place = start; at < tone.length; at++, place++) {
    if (place === mix.length) place = 0;
    mix[place] = (mix[place] ?? 0) + gain * (tone[at] ?? 0);
  }
}

function scaled(mix: Float32Array): Int16Array {
  let peak = 0;
  for (let at = 0; at < mix.length; at++) peak = Math.max(peak, Math.abs(mix[at] ?? 0));
  const factor = (FULL_SCALE * gainOf(PEAK_DB)) / peak;
  const samples = new Int16Array(mix.length);
  for (let at = 0; at < mix.length; at++) samples[at] = Math.round((mix[at] ?? 0) * factor);
  return samples;
}
