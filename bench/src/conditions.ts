import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** What a figure rests on: printed with every result. */
export type Conditions = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  /** Over 1, 5 and 15 minutes, before the bench began. */
  readonly loadAverage: readonly number[];
  readonly date: string;
};

export function conditions(): Conditions {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    loadAverage: loadavg().map((load) => Math.round(load * 100) / 100),
    date: new Date().toISOString(),
  };
}

const TICK_MS = 10;

/** Milliseconds since the start that the hypervisor gave to others while this machine wanted to run (Linux: proc_stat(5), `steal`). */
export function stolenMs(): number {
  if (process.platform !== 'linux') return 0;
  const [all = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  return Number(all.split(/ +/)[8] ?? 0) * TICK_MS;
}
