import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../../../core/errors.ts';
import type { EventLog } from '../../../core/ports/event-log.ts';
import { isProcessAlive } from '../process-identity.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { cannotRun, initialiseCluster } from './initialise-cluster.ts';
import { findNativePostgres, type NativePostgres } from './native-package.ts';
import { type PostgresAccount, prepareDataDir } from './postgres-account.ts';
import {
  askWhoItIs,
  readPostmasterFile,
  type SocketConnection,
  socketConnection,
  stopPostmaster,
  waitUntil,
} from './postmaster.ts';
import { makeSocketDir, removeSocketDir } from './socket-dir.ts';

export type EmbeddedPostgres = {
  readonly connection: SocketConnection;
  readonly pid: number;
  /** True: it was left over by a process of ours that died, and its data never went away. */
  readonly isAdopted: boolean;
  /** Stops the server and gives the data directory free; close pools first. Idempotent. */
  stop(): Promise<void>;
};

export type EmbeddedPostgresOptions = {
  readonly dataDir: string;
  readonly log: EventLog;
  /** Server settings over ours, `fsync: 'off'` for tests for one. */
  readonly settings?: Readonly<Record<string, string>>;
};

const CLUSTER_FOLDER = 'postgres';
const LOG_FILE = 'postgres.log';
/** Recovery after a power cut may take its time; a server that still reads its log is waited for. */
const START_LIMIT_MS = 120_000;
const POLL_MS = 20;
const ORPHANS_LIMIT_MS = 20_000;
const ORPHANS_PAUSE_MS = 50;
const WATCH_EVERY_MS = 1_000;
/** Weaker than the audio threads, which run at 0: children of the postmaster inherit it. */
const NICENESS = 5;

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

/**
 * Runs the PostgreSQL 18 that npm brought, on a Unix socket only, as a process of its own that no signal to our group
 * reaches. A survivor of an earlier process of ours is taken on as it is.
 * @throws AppError conflict when another process uses the data directory (named), not_configured when this system or
 * account cannot run it, database_unavailable with the end of its log when it does not start.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') {
    throw new AppError('not_configured', {
      detail: 'the embedded database needs Unix sockets. On Windows set DATABASE_URL to a PostgreSQL 15 or newer',
    });
  }
  const dataDir = resolve(options.dataDir);
  const clusterDir = join(dataDir, CLUSTER_FOLDER);
  const account = prepareDataDir(dataDir, clusterDir);
  const lock = lockDataDir(dataDir);
  try {
    const running = (await adopt(clusterDir, options.log)) ?? (await launch(dataDir, clusterDir, account, options));
    return supervise(running, lock.release, options.log);
  } catch (error) {
    lock.release();
    throw error;
  }
}

type Running = { readonly pid: number; readonly socketDir: string; readonly child: ChildProcess | null };

async function adopt(clusterDir: string, log: EventLog): Promise<Running | null> {
  let isWaiting = false;
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    const found = readPostmasterFile(clusterDir);
    if (found === null) return null;
    if (!isProcessAlive(found.pid) || !isPostmasterOf(found.pid, clusterDir)) {
      disownPostmasterFile(clusterDir);
      return null;
    }
    const answer = await askWhoItIs(clusterDir, found.socketDir);
    if (answer === 'ours') return { pid: found.pid, socketDir: found.socketDir, child: null };
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

async function launch(
  dataDir: string,
  clusterDir: string,
  account: PostgresAccount,
  options: EmbeddedPostgresOptions,
): Promise<Running> {
  const startedAt = performance.now();
  const native = findNativePostgres(dataDir, account);
  const isNew = await initialiseCluster(clusterDir, native, account);
  const socketDir = makeSocketDir(dataDir, account);
  const logFile = join(dataDir, LOG_FILE);
  const settings = { ...SETTINGS, ...options.settings, unix_socket_directories: socketDir };
  for (;;) {
    const child = spawnPostmaster(native, clusterDir, { account, logFile, settings });
    const pid = await spawned(child, native);
    if (await comesUp(child, pid, clusterDir)) {
      options.log.info('database.started', { pid, isNew, tookMs: Math.round(performance.now() - startedAt) });
      return { pid, socketDir, child };
    }
    const said = lastLines(logFile);
    const isHeldByOrphans = said.includes('pre-existing shared memory block');
    if (!isHeldByOrphans || performance.now() - startedAt > ORPHANS_LIMIT_MS) {
      removeSocketDir(socketDir);
      throw new AppError('database_unavailable', {
        detail: `PostgreSQL did not start on ${clusterDir}. Its log ${logFile} ends with:\n${said}`,
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

type SpawnOptions = {
  readonly account: PostgresAccount;
  readonly logFile: string;
  readonly settings: Readonly<Record<string, string>>;
};

/** Detached, so that it leads a session of its own; its log is a file, because a pipe would die with us. */
function spawnPostmaster(native: NativePostgres, clusterDir: string, options: SpawnOptions): ChildProcess {
  const log = openSync(options.logFile, 'w', 0o600);
  try {
    if (options.account) chownSync(options.logFile, options.account.uid, options.account.gid);
    const args = Object.entries(options.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
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

function supervise(running: Running, releaseLock: () => void, log: EventLog): EmbeddedPostgres {
  const { pid, socketDir, child } = running;
  let stopping: Promise<void> | null = null;
  const hasEnded = () => (child ? child.exitCode !== null || child.signalCode !== null : !isProcessAlive(pid));
  const report = () => {
    clearInterval(watch);
    if (stopping === null) {
      const how = child?.signalCode ?? child?.exitCode ?? 'gone';
      log.error('database.stopped_by_itself', { pid, how: String(how) });
    }
  };
  const watch = setInterval(() => {
    if (hasEnded()) report();
  }, WATCH_EVERY_MS).unref();
  if (child === null) log.warn('database.adopted', { pid });
  child?.once('exit', report);
  const stop = async () => {
    clearInterval(watch);
    await stopPostmaster(pid, hasEnded);
    removeSocketDir(socketDir);
    releaseLock();
  };
  return {
    connection: socketConnection(socketDir),
    pid,
    isAdopted: child === null,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
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
