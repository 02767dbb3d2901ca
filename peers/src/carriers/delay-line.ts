import { performance } from 'node:perf_hooks';

/** One direction of a network. `jitterMs` is added on top of the delay, by chance between none and all of it. */
export type NetworkDelay = {
  readonly oneWayMs: number;
  readonly jitterMs: number;
  /** 0 to 1. */
  readonly random: () => number;
};

export const NO_DELAY: NetworkDelay = { oneWayMs: 0, jitterMs: 0, random: () => 0 };

type Travelling<Item> = { readonly item: Item; readonly dueMs: number };

/** Carries items to the other end after the network's delay, in the order in which they were sent, as TCP does. */
export class DelayLine<Item> {
  readonly #delay: NetworkDelay;
  readonly #deliver: (item: Item) => void;
  readonly #onTheWay: Travelling<Item>[] = [];
  #newestDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isCut = false;

  constructor(delay: NetworkDelay, deliver: (item: Item) => void) {
    this.#delay = delay;
    this.#deliver = deliver;
  }

  /** Sends one more. Without a delay it is there before this returns. */
  send(item: Item): void {
    if (this.#isCut) return;
    const { oneWayMs, jitterMs, random } = this.#delay;
    const lagMs = oneWayMs + jitterMs * random();
    if (lagMs === 0 && this.#onTheWay.length === 0) {
      this.#deliver(item);
      return;
    }
    this.#newestDueMs = Math.max(this.#newestDueMs, performance.now() + lagMs);
    this.#onTheWay.push({ item, dueMs: this.#newestDueMs });
    this.#arm();
  }

  /** Nothing arrives any more. */
  cut(): void {
    this.#isCut = true;
    this.#onTheWay.length = 0;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const [next] = this.#onTheWay;
    if (!next || this.#timer) return;
    this.#timer = setTimeout(() => this.#arrive(), Math.max(0, next.dueMs - performance.now()));
  }

  #arrive(): void {
    this.#timer = undefined;
    for (
      let next = this.#onTheWay[0];
      next && next.dueMs <= performance.now() && !this.#isCut;
      next = this.#onTheWay[0]
    ) {
      this.#onTheWay.shift();
      this.#deliver(next.item);
    }
    this.#arm();
  }
}
