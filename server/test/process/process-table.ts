import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';

type Process = {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly uid: number;
  /** It ended, and its parent has not asked yet. */
  readonly isZombie: boolean;
};

/** What is alive of a process group: the children of a server that do not lead one of their own. */
export function processesOf(group: number): number[] {
  return processes().flatMap((one) => (one.group === group && !one.isZombie ? [one.pid] : []));
}

/** A process and all that it started, and they. */
export function treeOf(root: number): number[] {
  const all = processes();
  const found = [root];
  for (const pid of found) found.push(...all.filter(({ parent }) => parent === pid).map((one) => one.pid));
  return found;
}

/** Who a process runs as; undefined when there is none. */
export function userOf(pid: number | null): number | undefined {
  return processes().find((one) => one.pid === pid)?.uid;
}

/** From /proc where there is one: slim images have no ps. */
function processes(): Process[] {
  if (!existsSync('/proc/self/stat')) return listed();
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (read(name) ?? []) : []));
}

/** /proc/<pid>/stat: pid (name) state ppid pgrp … (proc(5)). */
function read(name: string): Process | null {
  try {
    const [state, parent, group] = readFileSync(`/proc/${name}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    const { uid } = statSync(`/proc/${name}`);
    return { pid: Number(name), parent: Number(parent), group: Number(group), uid, isZombie: state === 'Z' };
  } catch {
    return null;
  }
}

function listed(): Process[] {
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,ppid=,pgid=,uid=,stat='], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, group, uid, state = ''] = line.trim().split(/\s+/);
      return {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        uid: Number(uid),
        isZombie: state.startsWith('Z'),
      };
    });
}
