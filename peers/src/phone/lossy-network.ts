import { seededRandom } from '../seeded-random.ts';

export type LossyNetworkOptions = {
  /** Share of packets that get lost, 0 to 1. */
  readonly loss: number;
  /** So many are lost one after the other each time. */
  readonly burst: number;
  /** Each packet is late by 0 to so many ms, so that they overtake one another. */
  readonly jitterMs: number;
  readonly seed: number;
};

/** One way through a bad network, between a real socket and what is behind it: what `tc netem` does where a kernel has it. */
export class LossyNetwork {
  sent = 0;
  lost = 0;
  readonly #options: LossyNetworkOptions;
  readonly #draw: () => number;
  #stillLost = 0;

  constructor(options: LossyNetworkOptions) {
    this.#options = options;
    this.#draw = seededRandom(options.seed);
  }

  /** Delivers a packet later, or never. */
  carry(deliver: () => void): void {
    const { loss, burst, jitterMs } = this.#options;
    this.sent++;
    if (this.#stillLost === 0 && this.#draw() < loss / burst) this.#stillLost = burst;
    if (this.#stillLost > 0) {
      this.#stillLost--;
      this.lost++;
    } else setTimeout(deliver, Math.round(this.#draw() * jitterMs));
  }
}
