/** A period of speech: 400 Hz to 80 Hz. */
const SHORTEST_PERIOD_MS = 2.5;
const LONGEST_PERIOD_MS = 12.5;
/** How much of the newest audio is compared with what came a period before. */
const COMPARED_MS = 5;
/** Loudness at the start of each repeated frame, and what it falls to at the end of the last. */
const FADE = [1, 0.5, 0.2, 0] as const;
/** So many frames are made up, 60 ms in all; what is missing longer is silence, lest a recogniser hears words nobody said. */
export const CONCEALED_FRAMES = FADE.length - 1;

/** Fills short losses with the last period of the voice, again and again, fading away. */
export class LossConcealer {
  readonly #sampleRate: number;
  #tail = new Int16Array(0);
  #phase = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** A loss begins behind `heard[0, count)`. */
  begin(heard: Int16Array, count: number): void {
    const period = this.#periodOf(heard, count);
    this.#tail = heard.slice(Math.max(0, count - period), count);
    this.#phase = 0;
  }

  /** Makes up frame `index` (0, 1, 2) of the loss, `count` samples. */
  fill(into: Int16Array, count: number, index: number): void {
    const from = FADE[index] ?? 0;
    const step = ((FADE[index + 1] ?? 0) - from) / count;
    const tail = this.#tail;
    for (let at = 0; at < count; at++) {
      into[at] = tail.length === 0 ? 0 : Math.round((tail[this.#phase++ % tail.length] as number) * (from + step * at));
    }
  }

  /** The distance at which the end of the audio is most like itself, in samples. */
  #periodOf(heard: Int16Array, count: number): number {
    const ms = this.#sampleRate / 1000;
    const compared = COMPARED_MS * ms;
    const longest = Math.min(LONGEST_PERIOD_MS * ms, count - compared);
    let best = Math.min(count, LONGEST_PERIOD_MS * ms);
    let bestLikeness = 0;
    for (let period = SHORTEST_PERIOD_MS * ms; period <= longest; period++) {
      const likeness = likenessAt(heard, count, { period, compared });
      if (likeness <= bestLikeness) continue;
      bestLikeness = likeness;
      best = period;
    }
    return best;
  }
}

/** Correlation, as a share of the energy of both pieces; only its order matters. */
function likenessAt(heard: Int16Array, count: number, at: { period: number; compared: number }): number {
  let product = 0;
  let energy = 1;
  for (let index = count - at.compared; index < count; index++) {
    const now = heard[index] as number;
    const before = heard[index - at.period] as number;
    product += now * before;
    energy += now * now + before * before;
  }
  return product / energy;
}
