import type { ContextId } from '../core/ids.ts';
import type { MediaEnd } from '../core/ports/media-transport.ts';
import type { CallMemory } from './call-memory.ts';
import type { CounterMemory } from './media-counters.ts';
import type { CallNumber } from './messages.ts';
import type { TickMember } from './tick-wheel.ts';

/** One wire in the media worker, whatever it speaks: has its turn every 20 ms and fills and empties a call's memory. */
export interface MediaLeg extends TickMember {
  readonly call: CallNumber;
  /** The far end, as an address. */
  readonly remoteAddress: string;
  /** Null until main knows the call. */
  readonly memory: CallMemory | null;
  /** Hangs up. */
  close(nowMs: number): void;
}

/** What a leg tells the plane it is on. */
export interface LegHost {
  readonly counters: CounterMemory;
  /** Memory for a call that begins. */
  memory(sampleRate: number): CallMemory;
  /** Main may know the call: from now on it has `memory`. */
  arrived(leg: MediaLeg, contextId: ContextId, memory: CallMemory): void;
  /** Main should look at the call's memory. */
  ring(leg: MediaLeg): void;
  digit(leg: MediaLeg, digit: string): void;
  /** What was sent between these positions was not heard. */
  unheard(leg: MediaLeg, from: number, to: number): void;
  /** A call that had arrived is over: the leg touches its memory no more. */
  ended(leg: MediaLeg, end: MediaEnd): void;
}
