import type { Clock } from '../core/ports/clock.ts';

const MOST = 256;
const MOST_OF_ADDRESS = 16;
/** By then a channel has named the call of its socket, or closed it. */
const NAMED_WITHIN_MS = 10_000;

/** Counts sockets that were let in without the id of a call, which they will name in the stream: each costs a stranger nothing. */
export class UnnamedSockets {
  readonly #clock: Clock;
  readonly #ofAddress = new Map<string, number>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether one more may come from there; if so it counts for ten seconds. */
  admit(address: string): boolean {
    const ofAddress = this.#ofAddress.get(address) ?? 0;
    if (this.#count >= MOST || ofAddress >= MOST_OF_ADDRESS) return false;
    this.#count++;
    this.#ofAddress.set(address, ofAddress + 1);
    this.#clock.after(NAMED_WITHIN_MS, () => this.#forget(address));
    return true;
  }

  #forget(address: string): void {
    this.#count--;
    const left = (this.#ofAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#ofAddress.set(address, left);
    else this.#ofAddress.delete(address);
  }
}
