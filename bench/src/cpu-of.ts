import { readFileSync } from 'node:fs';
import { descendantsOf } from './ahead-of-others.ts';

/** USER_HZ of Linux is 100 everywhere. */
const CLOCK_TICK_MS = 10;

/** CPU time so far, ms: of a process with all its threads, of its main thread, and of all processes below it. */
export type Cpu = { readonly process: number; readonly mainThread: number; readonly children: number };

/** Linux only. One that has ended is not counted. */
export function cpuMsOf(pid: number): Cpu {
  const children = descendantsOf(pid).map((child) => ticksOf(`/proc/${child}/stat`));
  return {
    process: ticksOf(`/proc/${pid}/stat`) * CLOCK_TICK_MS,
    mainThread: ticksOf(`/proc/${pid}/task/${pid}/stat`) * CLOCK_TICK_MS,
    children: children.reduce((total, ticks) => total + ticks, 0) * CLOCK_TICK_MS,
  };
}

function ticksOf(file: string): number {
  try {
    const fields = readFileSync(file, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}
