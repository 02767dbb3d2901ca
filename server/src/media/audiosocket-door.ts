import { AudioSocketLeg, type ByteSink, type LegDoor } from './audiosocket-leg.ts';
import { FramePool } from './frame-pool.ts';
import { bump, COUNTER } from './media-counters.ts';
import type { MediaPlane } from './media-plane.ts';
import type { ListenerNumber } from './messages.ts';

/** Sockets that have not sent their id: in all, and from one address. */
export const MAX_UNNAMED = 256;
export const MAX_UNNAMED_PER_ADDRESS = 16;

/** Lets AudioSocket connections in, and knows those that have not said which call they are. */
export class AudioSocketDoor implements LegDoor {
  readonly #plane: MediaPlane;
  readonly #pools = new Map<number, FramePool>();
  readonly #unnamed = new Map<AudioSocketLeg, ListenerNumber>();
  readonly #addresses = new Map<string, number>();

  constructor(plane: MediaPlane) {
    this.#plane = plane;
  }

  /** A new connection; null when there are too many without an id: destroy it. */
  accept(listener: ListenerNumber, sink: ByteSink, from: { address: string; nowMs: number }): AudioSocketLeg | null {
    const { counters } = this.#plane;
    const fromAddress = this.#addresses.get(from.address) ?? 0;
    if (this.#unnamed.size >= MAX_UNNAMED || fromAddress >= MAX_UNNAMED_PER_ADDRESS) {
      bump(counters, COUNTER.refused);
      return null;
    }
    const call = this.#plane.newCall();
    const leg = new AudioSocketLeg(call, from.address, { host: this.#plane, door: this, sink, nowMs: from.nowMs });
    this.#addresses.set(from.address, fromAddress + 1);
    this.#unnamed.set(leg, listener);
    bump(counters, COUNTER.unnamedSockets);
    this.#plane.add(leg, listener, from.nowMs);
    return leg;
  }

  /** The socket of a leg is closed: nothing of it remains. */
  release(leg: AudioSocketLeg): void {
    this.named(leg);
    this.#plane.release(leg);
  }

  /** Ends the connections of a listener that have no id yet. */
  closeUnnamed(listener: ListenerNumber, nowMs: number): void {
    for (const [leg, from] of this.#unnamed) if (from === listener) leg.close(nowMs);
  }

  /** A leg has sent its id. */
  named(leg: AudioSocketLeg): void {
    if (!this.#unnamed.delete(leg)) return;
    bump(this.#plane.counters, COUNTER.unnamedSockets, -1);
    const left = (this.#addresses.get(leg.remoteAddress) ?? 1) - 1;
    if (left > 0) this.#addresses.set(leg.remoteAddress, left);
    else this.#addresses.delete(leg.remoteAddress);
  }

  pool(sampleRate: number): FramePool {
    let pool = this.#pools.get(sampleRate);
    if (pool === undefined) {
      pool = new FramePool(sampleRate, this.#plane.counters);
      this.#pools.set(sampleRate, pool);
    }
    return pool;
  }
}
