import type { ContextId } from '../core/ids.ts';
import type { MediaEnd } from '../core/ports/media-transport.ts';
import type { CallMemory } from './call-memory.ts';
import { type DoorbellMemory, ring } from './doorbell.ts';
import { bump, COUNTER, type CounterMemory, countLate } from './media-counters.ts';
import type { LegHost, MediaLeg } from './media-leg.ts';
import { MemoryPool } from './memory-pool.ts';
import type { CallNumber, ListenerNumber, MediaNews, MediaTick } from './messages.ts';
import { TickWheel } from './tick-wheel.ts';

/** From so many legs on, main is woken for caller audio at most every 2 ms: each time costs both threads 20 µs and more. */
const CROWD = 40;
const RING_APART_MS = 2;

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
  readonly #legs = new Map<CallNumber, { leg: MediaLeg; listener: ListenerNumber }>();
  readonly #memories = new MemoryPool();
  /** Memory of ended calls that main may still look at. */
  readonly #ended = new Map<CallNumber, CallMemory>();
  #nextCall: CallNumber = 1;
  #news: MediaNews[] = [];
  #hasRung = false;
  #postedMs = Number.NEGATIVE_INFINITY;

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

  /** How many legs have their turns. */
  get size(): number {
    return this.#wheel.size;
  }

  /** When `advanceTo` is needed next; null when nothing is connected. */
  nextDueMs(): number | null {
    return this.#wheel.nextDueMs();
  }

  /** A number for a call to come. */
  newCall(): CallNumber {
    return this.#nextCall++;
  }

  /** Takes a leg in: from now on it has its turns. */
  add(leg: MediaLeg, listener: ListenerNumber, nowMs: number): void {
    this.#legs.set(leg.call, { leg, listener });
    this.#wheel.add(leg, nowMs);
  }

  /** Lets a leg go whose socket is closed. */
  release(leg: MediaLeg): void {
    if (this.#legs.delete(leg.call)) this.#wheel.remove(leg);
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

  /** Ends all calls, or those of one listener. */
  closeLegs(which: ListenerNumber | 'all', nowMs: number): void {
    for (const { leg, listener } of this.#legs.values()) if (which === 'all' || which === listener) leg.close(nowMs);
  }

  /** Runs what is due and tells main, in one message, what happened since the last time. */
  advanceTo(nowMs: number): void {
    this.#wheel.advanceTo(nowMs);
    this.counters[COUNTER.skips] = this.#wheel.skips;
    if (!this.hasNews || this.#mayWait(nowMs)) return;
    this.#postedMs = nowMs;
    const news = this.#news;
    this.#news = [];
    this.#hasRung = false;
    this.#post({ workerMs: nowMs, news });
  }

  #mayWait(nowMs: number): boolean {
    return this.#news.length === 0 && this.size >= CROWD && nowMs - this.#postedMs < RING_APART_MS;
  }

  /** Something main should hear that is no call's. */
  tell(news: MediaNews): void {
    this.#news.push(news);
  }

  memory(sampleRate: number): CallMemory {
    return this.#memories.take(sampleRate);
  }

  arrived(leg: MediaLeg, contextId: ContextId, memory: CallMemory): void {
    bump(this.counters, COUNTER.activeCalls);
    const { call, remoteAddress } = leg;
    const { sampleRate, buffer } = memory;
    const listener = this.#legs.get(call)?.listener ?? 0;
    this.tell({ type: 'arrived', call, listener, contextId, remoteAddress, sampleRate, memory: buffer });
  }

  ring(leg: MediaLeg): void {
    if (leg.memory !== null && ring(this.#doorbell, leg.memory.words, leg.call)) this.#hasRung = true;
  }

  digit(leg: MediaLeg, digit: string): void {
    this.tell({ type: 'digit', call: leg.call, digit });
  }

  unheard(leg: MediaLeg, from: number, to: number): void {
    this.tell({ type: 'unheard', call: leg.call, from, to });
  }

  ended(leg: MediaLeg, end: MediaEnd): void {
    bump(this.counters, COUNTER.activeCalls, -1);
    if (leg.memory !== null) this.#ended.set(leg.call, leg.memory);
    this.tell({ type: 'closed', call: leg.call, end });
  }
}
