import type { Libc } from '../../native/libc.ts';

/** One bit a socket, for all numbers that Linux gives by default (fs.nr_open). */
const MOST_SOCKETS = 2 ** 20;
const BITS = 32;

/** Which sockets a thread has open, in memory that outlives it. */
export type OpenSocketsMemory = Int32Array<SharedArrayBuffer>;

export function createOpenSocketsMemory(): OpenSocketsMemory {
  return new Int32Array(new SharedArrayBuffer(MOST_SOCKETS / 8));
}

/** Notes a socket as open. */
export function noteOpen(memory: OpenSocketsMemory, socket: number): void {
  if (socket < MOST_SOCKETS) Atomics.or(memory, Math.floor(socket / BITS), 1 << (socket % BITS));
}

/** Notes a socket as closed. */
export function noteClosed(memory: OpenSocketsMemory, socket: number): void {
  if (socket < MOST_SOCKETS) Atomics.and(memory, Math.floor(socket / BITS), ~(1 << (socket % BITS)));
}

/** Closes what a thread that died has left: the system frees sockets with the process only. Returns how many there were. */
export function closeLeftOpen(memory: OpenSocketsMemory, openLibc: () => Pick<Libc, 'close'>): number {
  let libc: Pick<Libc, 'close'> | null = null;
  let closed = 0;
  memory.forEach((word, at) => {
    if (word === 0) return;
    memory[at] = 0;
    for (let bit = 0; bit < BITS; bit++) {
      if ((word & (1 << bit)) === 0) continue;
      libc ??= openLibc();
      libc.close(at * BITS + bit);
      closed++;
    }
  });
  return closed;
}
