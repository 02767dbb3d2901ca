import { performance } from 'node:perf_hooks';
import type { TurnTaker } from './turn-keeper.ts';
import type { UdpIo } from './udp/udp-io.ts';

/** What a packet waits at most. A few calls are not worth a thousand wake-ups a second; many have them anyway. */
const READ_EVERY_MS = 2;

/** Turns of a plane before each of which is read what came by UDP meanwhile, where nothing else tells of it. */
export class PolledTurns implements TurnTaker {
  readonly #taker: TurnTaker;
  readonly #udp: UdpIo;

  constructor(taker: TurnTaker, udp: UdpIo) {
    this.#taker = taker;
    this.#udp = udp;
  }

  get size(): number {
    return this.#taker.size;
  }

  advanceTo(nowMs: number): void {
    const isPolled = this.#udp.isPolled;
    if (isPolled) this.#udp.read();
    this.#taker.advanceTo(isPolled ? performance.now() : nowMs);
  }

  nextDueMs(): number | null {
    const dueMs = this.#taker.nextDueMs();
    if (!this.#udp.isPolled) return dueMs;
    return Math.min(dueMs ?? Number.POSITIVE_INFINITY, performance.now() + READ_EVERY_MS);
  }
}
