import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';

/** Speech may be late by a few milliseconds; the frames of running calls may not. */
const NICENESS = 10;
/** The end of what a process wrote before it died: enough for the reason. */
const KEPT_STDERR_CHARACTERS = 400;

/** A child process that runs with less priority than ours, and how it ended. */
export class NicedProcess {
  readonly child: ChildProcess;
  /** Resolves once it has ended or could not be started; never rejects. */
  readonly ended: Promise<string>;
  #isAlive = true;
  #stderr = '';

  /** Takes a process that was started just now, its stderr a pipe or nothing. */
  constructor(child: ChildProcess) {
    this.child = child;
    if (child.pid !== undefined) lowerPriority(child.pid);
    // A broken channel to a dying child is told as 'error' too; its end is what counts.
    child.on('error', () => undefined);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR_CHARACTERS);
    });
    this.ended = howItEnded(child).then((how) => {
      this.#isAlive = false;
      const reason = this.#stderr.trim();
      return reason ? `${how}: ${reason}` : how;
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Ends it at once: it holds nothing that must be saved. */
  async kill(): Promise<void> {
    this.#isAlive = false;
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

function lowerPriority(pid: number): void {
  try {
    os.setPriority(pid, NICENESS);
  } catch {
    // It has ended already, or the system forbids it: then it runs as it is.
  }
}

async function howItEnded(child: ChildProcess): Promise<string> {
  try {
    // 'close' comes when its pipes are read to the end too, so the last words are there.
    const [exitCode, signal] = await once(child, 'close');
    return signal ? `was killed by ${signal}` : `ended with exit code ${exitCode}`;
  } catch (error) {
    return `could not be started (${error instanceof Error ? error.message : error})`;
  }
}
