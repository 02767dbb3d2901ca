import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type ChildOptions = {
  readonly args: readonly string[];
  /** Pins the process to this core; null: anywhere. */
  readonly core: number | null;
  /** Of Node itself. */
  readonly flags?: readonly string[];
};

/** Starts one of the bench's programs beside it, with a message channel. */
export function startChild(program: string, options: ChildOptions): ChildProcess {
  const command = [
    ...(options.core === null ? [] : ['taskset', '-c', String(options.core)]),
    process.execPath,
    ...(options.flags ?? []),
    join(import.meta.dirname, program),
    ...options.args,
  ];
  const [file = process.execPath, ...args] = command;
  return spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/**
 * Gives the threads of a running child SCHED_FIFO, V8's own a higher priority than ours: a garbage collection waits for them
 * without sleeping, and on busy cores they would otherwise never run (Node 24 hangs then, for good).
 */
export function makeFifo(child: ChildProcess, priority: number): void {
  for (const thread of readdirSync(`/proc/${child.pid}/task`)) {
    const name = readFileSync(`/proc/${child.pid}/task/${thread}/comm`, 'utf8');
    const ownPriority = name.startsWith('V8Worker') ? priority + 1 : priority;
    spawnSync('chrt', ['--fifo', '--pid', String(ownPriority), thread]);
  }
}

/** Gives the child's thread of that name a core, and all its other threads another one. */
export function pinThreads(
  child: ChildProcess,
  name: string,
  cores: { readonly own: number; readonly others: number },
): void {
  for (const thread of readdirSync(`/proc/${child.pid}/task`)) {
    const isNamed = readFileSync(`/proc/${child.pid}/task/${thread}/comm`, 'utf8').trim() === name;
    spawnSync('taskset', ['--cpu-list', '--pid', String(isNamed ? cores.own : cores.others), thread]);
  }
}

/** The next message of a child. @throws Error when it ends without one. */
export function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as Message);
    });
  });
}

/** Whether this machine lets us run a command (taskset, chrt -f 10): needs the tool and the right to use it. */
export function canRun(file: string, args: readonly string[]): boolean {
  return spawnSync(file, [...args, 'true']).status === 0;
}
