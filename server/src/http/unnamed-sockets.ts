import type { Clock } from '../core/ports/clock.ts';

const MOST = 256;
const MOST_OF_ADDRESS = 16;
/** By then a channel has named the call of its socket, or closed it. */
const NAMED_WITHIN_MS = 10_000;

/** Bounds the sockets that are let in without the id of a call, which they will name in the stream: they cost a stranger nothing. */
export class UnnamedSockets {
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** Oldest first. */
  #recent: { readonly address: string; readonly atMs: number }[] = [];

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** Whether one more may come from there; if so it counts for ten seconds. */
  admit(address: string): boolean {
    const atMs = this.#clock.nowMs();
    this.#recent = this.#recent.filter((one) => atMs - one.atMs < NAMED_WITHIN_MS);
    const ofAddress = this.#recent.filter((one) => one.address === address).length;
    if (this.#recent.length >= MOST || ofAddress >= MOST_OF_ADDRESS) return false;
    this.#recent.push({ address, atMs });
    return true;
  }
}
