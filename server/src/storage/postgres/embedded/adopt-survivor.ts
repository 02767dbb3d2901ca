import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../../../core/errors.ts';
import type { EventLog } from '../../../core/ports/event-log.ts';
import { isProcessAlive } from '../process-identity.ts';
import { askWhoItIs, readPostmasterFile } from './postmaster.ts';

/** Recovery after a power cut may take its time. */
const ANSWER_LIMIT_MS = 120_000;
const POLL_MS = 20;

export type Survivor = { readonly pid: number; readonly socketDir: string };

/**
 * Finds the server that an earlier process of ours left running on the cluster, waiting while it starts or stops. Null
 * when there is none: then postmaster.pid is such that a new one may start. The caller holds the lock of the data
 * directory. @throws AppError database_unavailable when one is there and does not answer.
 */
export async function adoptSurvivor(clusterDir: string, log: EventLog): Promise<Survivor | null> {
  let isWaiting = false;
  const deadline = performance.now() + ANSWER_LIMIT_MS;
  for (;;) {
    const found = readPostmasterFile(clusterDir);
    if (found === null) return null;
    if (!isProcessAlive(found.pid) || !isPostmasterOf(found.pid, clusterDir)) {
      disownPostmasterFile(clusterDir);
      return null;
    }
    const answer = await askWhoItIs(clusterDir, found.socketDir);
    if (answer === 'ours') return { pid: found.pid, socketDir: found.socketDir };
    if (answer === 'another' || performance.now() > deadline) {
      throw new AppError('database_unavailable', {
        detail: `PostgreSQL process ${found.pid} was left over on ${clusterDir} and does not answer as it should. Stop it and start again`,
      });
    }
    if (!isWaiting) log.warn('database.waiting_for_survivor', { pid: found.pid, state: answer });
    isWaiting = true;
    await pause(POLL_MS);
  }
}

/**
 * PostgreSQL takes any process with the id in postmaster.pid for its survivor: another program that got the id since, or
 * a dead one whose parent never asked. With our own id there it looks no further, since that is its parent's, and still
 * checks the rest of the file for sessions that are alive (CreateLockFile in miscinit.c).
 */
function disownPostmasterFile(clusterDir: string): void {
  const file = join(clusterDir, 'postmaster.pid');
  try {
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(process.pid)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function isPostmasterOf(pid: number, clusterDir: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(clusterDir);
  } catch {
    // No /proc: believe postmaster.pid.
    return isProcessAlive(pid) && process.platform !== 'linux';
  }
}
