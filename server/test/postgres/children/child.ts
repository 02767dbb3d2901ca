import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A script of this folder in a process of its own. */
export type Child = {
  readonly process: ChildProcess;
  /** The next line it prints. @throws Error with what it said when it ends first. */
  line(): Promise<string>;
  send(text: string): void;
  /** Its exit code or signal. */
  readonly ended: Promise<number | string>;
};

/** Starts a script; as another user where we are root and a uid is given. */
export function startChild(
  script: string,
  args: readonly string[],
  account: { uid?: number; gid?: number } = {},
): Child {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
    ...account,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const end = (event: 'exit' | 'close') =>
    new Promise<number | string>((resolve) => {
      child.once(event, (code, signal) => resolve(code ?? signal ?? 'gone'));
    });
  const ended = end('exit');
  // Later than the exit, and only once all it printed was read.
  const closed = end('close');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    process: child,
    ended,
    send: (text) => child.stdin.write(text),
    line: async () => {
      const next = await lines.next();
      if (next.done) throw new Error(`${script} ended (${await closed}): ${said}`);
      return next.value;
    },
  };
}
