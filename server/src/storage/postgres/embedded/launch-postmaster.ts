import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, openSync, readSync, statSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../../../core/errors.ts';
import { cannotRun } from './initialise-cluster.ts';
import type { NativePostgres } from './native-package.ts';
import type { PostgresAccount } from './postgres-account.ts';
import { readPostmasterFile, stopPostmaster, waitUntil } from './postmaster.ts';

/** Recovery after a power cut may take its time; a server that still reads its log is waited for. */
const START_LIMIT_MS = 120_000;
const ORPHANS_LIMIT_MS = 20_000;
const ORPHANS_PAUSE_MS = 50;
/** Weaker than the audio threads, which run at 0: children of the postmaster inherit it. */
const NICENESS = 5;

/** Small, on one socket, alone: no TCP, no replication, no background parallelism beside the audio. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  shared_buffers: '64MB',
  max_connections: '40',
  io_method: 'sync',
  max_wal_size: '128MB',
  min_wal_size: '16MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  log_checkpoints: 'off',
  wal_compression: 'on',
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  log_line_prefix: '%m [%p] ',
};

export type LaunchOptions = {
  readonly native: NativePostgres;
  readonly clusterDir: string;
  readonly socketDir: string;
  readonly logFile: string;
  readonly account: PostgresAccount;
  /** Over ours. */
  readonly settings: Readonly<Record<string, string>>;
};

/**
 * Starts PostgreSQL on a cluster and resolves with its process once it takes connections.
 * @throws AppError database_unavailable with the end of its log, not_configured when the program does not run here.
 */
export async function launchPostmaster(options: LaunchOptions): Promise<{ child: ChildProcess; pid: number }> {
  const startedAt = performance.now();
  for (;;) {
    const child = spawnPostmaster(options);
    const pid = await spawned(child, options.native);
    if (await comesUp(child, pid, options.clusterDir)) return { child, pid };
    const said = lastLines(options.logFile);
    const isHeldByOrphans = said.includes('pre-existing shared memory block');
    if (!isHeldByOrphans || performance.now() - startedAt > ORPHANS_LIMIT_MS) {
      throw new AppError('database_unavailable', {
        detail: `PostgreSQL did not start on ${options.clusterDir}. Its log ${options.logFile} ends with:\n${said}`,
      });
    }
    // Sessions of a server that was killed notice it, finish and go.
    await pause(ORPHANS_PAUSE_MS);
  }
}

/** True once it takes connections; false when it ended, or was ended here because it took too long. */
async function comesUp(child: ChildProcess, pid: number, clusterDir: string): Promise<boolean> {
  try {
    setPriority(pid, NICENESS);
  } catch {}
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const isUp = () => {
    const file = readPostmasterFile(clusterDir);
    return file?.pid === pid && file.isReady;
  };
  await waitUntil(() => isUp() || hasEnded(), START_LIMIT_MS);
  if (!hasEnded() && isUp()) return true;
  await stopPostmaster(pid, hasEnded);
  return false;
}

/** Detached, so that it leads a session of its own; its log is a file, because a pipe would die with us. */
function spawnPostmaster({ native, clusterDir, socketDir, ...options }: LaunchOptions): ChildProcess {
  const settings = { ...SETTINGS, ...options.settings, unix_socket_directories: socketDir };
  const log = openSync(options.logFile, 'w', 0o600);
  try {
    if (options.account) chownSync(options.logFile, options.account.uid, options.account.gid);
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(native.postgres, ['-D', clusterDir, ...args], {
      cwd: clusterDir,
      detached: true,
      stdio: ['ignore', log, log],
      ...options.account,
    });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

function spawned(child: ChildProcess, native: NativePostgres): Promise<number> {
  return new Promise((resolvePid, reject) => {
    child.once('error', (cause) => reject(cannotRun(native.postgres, cause)));
    child.once('spawn', () => resolvePid(child.pid as number));
  });
}

function lastLines(file: string): string {
  const sizeBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (sizeBytes === 0) return '(it is empty)';
  const descriptor = openSync(file, 'r');
  const tail = Buffer.alloc(Math.min(sizeBytes, 2_000));
  readSync(descriptor, tail, 0, tail.length, sizeBytes - tail.length);
  closeSync(descriptor);
  return tail.toString('utf8').trim();
}
