import { type CallMemory, createCallMemory } from './call-memory.ts';

/** Memory kept for calls to come: 12 MB at 8 kHz. */
const MAX_KEPT = 256;
/** Up to 16 kHz; the rare faster call gives its memory up. */
const MAX_KEPT_BYTES = 128 * 1024;

/**
 * Memory of calls that are over, used again. V8 does not count shared memory as garbage worth collecting: left to it, ended calls
 * grow the process by 30 KB each until some other garbage makes it look.
 */
export class MemoryPool {
  readonly #free = new Map<number, CallMemory[]>();
  #kept = 0;

  take(sampleRate: number): CallMemory {
    const free = this.#free.get(sampleRate)?.pop();
    if (free === undefined) return createCallMemory(sampleRate);
    this.#kept--;
    return free;
  }

  /** Takes memory back that nobody looks at any more. Old audio stays in it, behind positions that start again at zero. */
  give(memory: CallMemory): void {
    if (this.#kept >= MAX_KEPT || memory.buffer.byteLength > MAX_KEPT_BYTES) return;
    memory.words.fill(0);
    const free = this.#free.get(memory.sampleRate);
    if (free === undefined) this.#free.set(memory.sampleRate, [memory]);
    else free.push(memory);
    this.#kept++;
  }
}
