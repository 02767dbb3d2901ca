import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../core/errors.ts';
import { isProcessAlive, processSpace, processStartTime } from '../process-identity.ts';

const LOCK_FILE = 'server.lock';
const GUARD_FILE = 'server.guard';
const MAX_ATTEMPTS = 100;

type Holder = {
  readonly pid: number;
  readonly startTime: string | null;
  readonly space: string;
  readonly token: string;
};

export type DataDirLock = { release(): void };

/**
 * Makes this process the only one on a data directory. The lock of a process that is gone is taken over, also when its
 * id was given to another program since. @throws AppError conflict that names the process holding it.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const file = join(dataDir, LOCK_FILE);
  const own: Holder = {
    pid: process.pid,
    startTime: processStartTime(process.pid),
    space: processSpace(),
    token: randomUUID(),
  };
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (create(file, own)) return guarded(dataDir, file, own);
    const found = read(file);
    if (found === null) continue;
    const holder = parse(found);
    if (holder !== null && isHolding(holder)) {
      throw new AppError('conflict', {
        detail:
          `process ${holder.pid} already uses the data directory ${dataDir}. ` +
          'Stop it, or give this one another DATA_DIR',
      });
    }
    takeAway(file, found);
  }
  throw new AppError('conflict', { detail: `the lock ${file} changes hands too fast; is another start under way?` });
}

/**
 * Ids mean nothing across containers that share the directory, a kernel lock does: flock(1) takes it on a descriptor that
 * stays open here, so it lasts exactly as long as this process. Where there is no flock the ids have to do.
 */
function guarded(dataDir: string, file: string, own: Holder): DataDirLock {
  const guard = openSync(join(dataDir, GUARD_FILE), 'a', 0o600);
  const locked = spawnSync('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', guard] });
  if (locked.status === 1) {
    closeSync(guard);
    release(file, own);
    throw new AppError('conflict', {
      detail:
        `a process in another container already uses the data directory ${dataDir}. ` +
        'Stop it, or give this one another DATA_DIR',
    });
  }
  return {
    release: () => {
      release(file, own);
      closeSync(guard);
    },
  };
}

/** All or nothing: the file appears with its content, or not at all. */
function create(file: string, holder: Holder): boolean {
  const draft = `${file}.${holder.token}`;
  writeFileSync(draft, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parse(text: string): Holder | null {
  try {
    const holder = JSON.parse(text) as Partial<Holder>;
    return typeof holder.pid === 'number' && typeof holder.space === 'string' ? (holder as Holder) : null;
  } catch {
    return null;
  }
}

function isHolding(holder: Holder): boolean {
  if (holder.space !== processSpace() || !isProcessAlive(holder.pid)) return false;
  return holder.startTime === null || holder.startTime === processStartTime(holder.pid);
}

/** Removes a lock judged stale, unless another process replaced it in between: that one is put back. */
function takeAway(file: string, judged: string): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (read(aside) !== judged) {
    try {
      linkSync(aside, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  rmSync(aside, { force: true });
}

function release(file: string, own: Holder): void {
  const found = read(file);
  if (found !== null && parse(found)?.token === own.token) rmSync(file, { force: true });
}
