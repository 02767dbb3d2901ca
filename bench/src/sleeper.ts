import { percentiles } from './percentiles.ts';

/** How late a process wakes that only ever sleeps 1 ms: what the machine itself adds to any pacing. */
export type SleeperReport = { readonly lateMs: ReturnType<typeof percentiles> };

const SLEEP_MS = 1;
const seconds = Number(process.argv[2]);
const bell = new Int32Array(new SharedArrayBuffer(4));

function measure(): void {
  const late: number[] = [];
  for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
    const beforeMs = performance.now();
    Atomics.wait(bell, 0, 0, SLEEP_MS);
    late.push(performance.now() - beforeMs - SLEEP_MS);
  }
  process.send?.({ lateMs: percentiles(Float64Array.from(late)) });
  process.disconnect();
}

process.once('message', measure);
process.send?.('ready');
