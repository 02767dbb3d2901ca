import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const AHEAD = -19;

/**
 * Puts every thread of a process and of its children before whatever else runs on this machine, where we may: a bench on a
 * shared machine measures its neighbours otherwise. False where we may not.
 */
export function putAheadOfOthers(pid: number): boolean {
  try {
    for (const each of [pid, ...descendantsOf(pid)])
      for (const thread of readdirSync(`/proc/${each}/task`)) setPriority(Number(thread), AHEAD);
    return true;
  } catch {
    return false;
  }
}

/** The processes below one, children of children included. Linux only. */
export function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    const parent = parentOf(name);
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const children = (of: number): number[] =>
    [...parents].filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...children(child)]);
  return children(pid);
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^.*\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]);
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
