import type { ContextId } from '../core/ids.ts';
import type { MediaEnd } from '../core/ports/media-transport.ts';
import { AudioSocketLeg, type ByteSink, type LegHost } from './audiosocket-leg.ts';
import type { CallMemory } from './call-memory.ts';
import { type DoorbellMemory, ring } from './doorbell.ts';
import { FramePool } from './frame-pool.ts';
import { bump, COUNTER, type CounterMemory, countLate } from './media-counters.ts';
import { MemoryPool } from './memory-pool.ts';
import type { CallNumber, ListenerNumber, MediaNews, MediaTick } from './messages.ts';
import { TickWheel } from './tick-wheel.ts';

/** Sockets that have not sent their id: in all, and from one address. */
export const MAX_UNNAMED = 256;
export const MAX_UNNAMED_PER_ADDRESS = 16;

/** What the plane shares with main. */
export type PlaneMemory = { readonly counters: CounterMemory; readonly doorbell: DoorbellMemory };

/**
 * All calls of the media worker and their one clock, as plain objects: the thread feeds it sockets and real time, a test feeds
 * it bytes and its own.
 */
export class MediaPlane implements LegHost {
  readonly counters: CounterMemory;
  readonly #doorbell: DoorbellMemory;
  readonly #post: (tick: MediaTick) => void;
  readonly #wheel: TickWheel;
  readonly #legs = new Map<CallNumber, { leg: AudioSocketLeg; listener: ListenerNumber }>();
  readonly #pools = new Map<number, FramePool>();
  readonly #memories = new MemoryPool();
  /** Memory of ended calls that main may still look at. */
  readonly #ended = new Map<CallNumber, CallMemory>();
  readonly #unnamed = new Map<string, number>();
  #nextCall: CallNumber = 1;
  #news: MediaNews[] = [];
  #hasRung = false;

  constructor(memory: PlaneMemory, start: { nowMs: number; post: (tick: MediaTick) => void }) {
    this.counters = memory.counters;
    this.#doorbell = memory.doorbell;
    this.#post = start.post;
    this.#wheel = new TickWheel(start.nowMs, (lateMs, members) => countLate(this.counters, lateMs, members));
  }

  /** Whether main should be told of something at the next tick. */
  get hasNews(): boolean {
    return this.#hasRung || this.#news.length > 0;
  }

  /** When `advanceTo` is needed next; null when nothing is connected. */
  nextDueMs(): number | null {
    return this.#wheel.nextDueMs();
  }

  /** A new connection; null when there are too many without an id: destroy it. */
  accept(listener: ListenerNumber, sink: ByteSink, from: { address: string; nowMs: number }): AudioSocketLeg | null {
    const fromAddress = this.#unnamed.get(from.address) ?? 0;
    const unnamed = this.counters[COUNTER.unnamedSockets] as number;
    if (unnamed >= MAX_UNNAMED || fromAddress >= MAX_UNNAMED_PER_ADDRESS) {
      bump(this.counters, COUNTER.refused);
      return null;
    }
    const leg = new AudioSocketLeg(this.#nextCall++, from.address, { host: this, sink, nowMs: from.nowMs });
    this.#unnamed.set(from.address, fromAddress + 1);
    this.counters[COUNTER.unnamedSockets] = unnamed + 1;
    this.#legs.set(leg.call, { leg, listener });
    this.#wheel.add(leg, from.nowMs);
    return leg;
  }

  /** The socket of a leg is closed: nothing of it remains. */
  release(leg: AudioSocketLeg): void {
    if (!this.#legs.delete(leg.call)) return;
    this.#wheel.remove(leg);
    if (!leg.isNamed) this.named(leg);
  }

  /** Main asks to hang up. */
  close(call: CallNumber, nowMs: number): void {
    this.#legs.get(call)?.leg.close(nowMs);
  }

  /** Main has let go of an ended call: its memory serves the next one. */
  recycle(call: CallNumber): void {
    const memory = this.#ended.get(call);
    if (memory === undefined) return;
    this.#ended.delete(call);
    this.#memories.give(memory);
  }

  /** Ends all connections, those of one listener, or of these only the ones without an id. */
  closeLegs(which: { listener: ListenerNumber; isNamed?: false } | 'all', nowMs: number): void {
    for (const { leg, listener } of this.#legs.values()) {
      if (which !== 'all' && which.listener !== listener) continue;
      if (which !== 'all' && which.isNamed === false && leg.isNamed) continue;
      leg.close(nowMs);
    }
  }

  /** Runs what is due and tells main, in one message, what happened since the last time. */
  advanceTo(nowMs: number): void {
    this.#wheel.advanceTo(nowMs);
    this.counters[COUNTER.skips] = this.#wheel.skips;
    if (!this.hasNews) return;
    const news = this.#news;
    this.#news = [];
    this.#hasRung = false;
    this.#post({ workerMs: nowMs, news });
  }

  /** Something main should hear that is no call's. */
  tell(news: MediaNews): void {
    this.#news.push(news);
  }

  pool(sampleRate: number): FramePool {
    let pool = this.#pools.get(sampleRate);
    if (pool === undefined) {
      pool = new FramePool(sampleRate, this.counters);
      this.#pools.set(sampleRate, pool);
    }
    return pool;
  }

  memory(sampleRate: number): CallMemory {
    return this.#memories.take(sampleRate);
  }

  named(leg: AudioSocketLeg): void {
    bump(this.counters, COUNTER.unnamedSockets, -1);
    const left = (this.#unnamed.get(leg.remoteAddress) ?? 1) - 1;
    if (left > 0) this.#unnamed.set(leg.remoteAddress, left);
    else this.#unnamed.delete(leg.remoteAddress);
  }

  arrived(leg: AudioSocketLeg, contextId: ContextId, memory: CallMemory): void {
    bump(this.counters, COUNTER.activeCalls);
    const { call, remoteAddress } = leg;
    const { sampleRate, buffer } = memory;
    const listener = this.#legs.get(call)?.listener ?? 0;
    this.tell({ type: 'arrived', call, listener, contextId, remoteAddress, sampleRate, memory: buffer });
  }

  ring(leg: AudioSocketLeg): void {
    if (leg.memory !== null && ring(this.#doorbell, leg.memory.words, leg.call)) this.#hasRung = true;
  }

  digit(leg: AudioSocketLeg, digit: string): void {
    this.tell({ type: 'digit', call: leg.call, digit });
  }

  unheard(leg: AudioSocketLeg, from: number, to: number): void {
    this.tell({ type: 'unheard', call: leg.call, from, to });
  }

  ended(leg: AudioSocketLeg, end: MediaEnd): void {
    bump(this.counters, COUNTER.activeCalls, -1);
    if (leg.memory !== null) this.#ended.set(leg.call, leg.memory);
    this.tell({ type: 'closed', call: leg.call, end });
  }
}
