/** Pushes that are remembered: more than the ring holds, at a push each 10 ms. */
const PLACES = 64;
/** Shorter pushes are remembered together. */
const MIN_SAMPLES = 80;

/** When each sample of a stream arrived, for the last 640 ms and more: turns positions into times of the caller's clock. */
export class ClockTrack {
  readonly #samplesPerMs: number;
  readonly #ends = new Float64Array(PLACES);
  readonly #clocks = new Float64Array(PLACES);
  /** Pushes so far; the newest stands at (count - 1) % PLACES. */
  #count = 0;

  constructor(sampleRate: number) {
    this.#samplesPerMs = sampleRate / 1000;
  }

  /** Samples noted so far. */
  get end(): number {
    return this.#endOf(this.#count - 1);
  }

  /** Notes that so many samples more arrived; `clockMs` is when the last of them did. */
  note(samples: number, clockMs: number): void {
    const end = this.end + samples;
    const isShort = this.#count > 1 && end - this.#endOf(this.#count - 2) < MIN_SAMPLES;
    if (!isShort) this.#count++;
    const place = (this.#count - 1) % PLACES;
    this.#ends[place] = end;
    this.#clocks[place] = clockMs;
  }

  /** When the sample before `position` arrived: counted back from its push, but not before the push that came earlier. */
  clockAt(position: number): number {
    let push = this.#count - 1;
    const oldest = Math.max(0, this.#count - PLACES);
    while (push > oldest && this.#endOf(push - 1) >= position) push--;
    const counted = this.#clockOf(push) - (this.#endOf(push) - position) / this.#samplesPerMs;
    return push > oldest ? Math.max(counted, this.#clockOf(push - 1)) : counted;
  }

  #endOf(push: number): number {
    return push < 0 ? 0 : (this.#ends[push % PLACES] as number);
  }

  #clockOf(push: number): number {
    return push < 0 ? 0 : (this.#clocks[push % PLACES] as number);
  }
}
