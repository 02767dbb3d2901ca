import type { ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../../../core/errors.ts';
import type { EventLog } from '../../../core/ports/event-log.ts';
import { isProcessAlive } from '../process-identity.ts';
import { adoptSurvivor } from './adopt-survivor.ts';
import { type DataDirLock, lockDataDir } from './data-dir-lock.ts';
import { initialiseCluster } from './initialise-cluster.ts';
import { launchPostmaster } from './launch-postmaster.ts';
import { findNativePostgres } from './native-package.ts';
import { type PostgresAccount, prepareDataDir } from './postgres-account.ts';
import { type SocketConnection, socketConnection, stopPostmaster } from './postmaster.ts';
import { makeSocketDir, removeSocketDir } from './socket-dir.ts';

export type EmbeddedPostgresOptions = {
  readonly dataDir: string;
  readonly log: EventLog;
  /** Server settings over ours, `fsync: 'off'` for tests for one. */
  readonly settings?: Readonly<Record<string, string>>;
};

/** In the data directory. */
export const CLUSTER_FOLDER = 'postgres';
const LOG_FILE = 'postgres.log';
const WATCH_EVERY_MS = 1_000;
const RESTART_PAUSES_MS = [0, 1_000, 5_000, 15_000, 30_000] as const;

/**
 * Runs the PostgreSQL 18 that npm brought, on a Unix socket only, as a process of its own that no signal to our group
 * reaches. A survivor of an earlier process of ours is taken on as it is; a server that dies under us is started again.
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
  const place: Place = { ...options, dataDir, clusterDir, account: prepareDataDir(dataDir, clusterDir) };
  const lock = lockDataDir(dataDir);
  try {
    const survivor = await adoptSurvivor(clusterDir, options.log);
    if (survivor) options.log.warn('database.adopted', { pid: survivor.pid });
    const running = survivor ? { ...survivor, child: null } : await launch(place);
    return new EmbeddedPostgres(place, lock, running);
  } catch (error) {
    lock.release();
    throw error;
  }
}

type Place = EmbeddedPostgresOptions & { readonly clusterDir: string; readonly account: PostgresAccount };
/** `child` is null for a survivor: another process was its parent. */
type Running = { readonly pid: number; readonly socketDir: string; readonly child: ChildProcess | null };

async function launch({ dataDir, clusterDir, account, settings = {}, log }: Place): Promise<Running> {
  const startedAt = performance.now();
  const native = findNativePostgres(dataDir, account);
  const isNew = await initialiseCluster(clusterDir, native, account);
  const socketDir = makeSocketDir(dataDir, account);
  try {
    const logFile = join(dataDir, LOG_FILE);
    const launched = await launchPostmaster({ native, clusterDir, socketDir, logFile, account, settings });
    log.info('database.started', { pid: launched.pid, isNew, tookMs: Math.round(performance.now() - startedAt) });
    return { ...launched, socketDir };
  } catch (error) {
    removeSocketDir(socketDir);
    throw error;
  }
}

/** The running server. It is the one holder of the data directory until it is stopped. */
export class EmbeddedPostgres {
  readonly connection: SocketConnection;
  /** True: it was left over by a process of ours that died, and its data never went away. */
  readonly isAdopted: boolean;
  readonly #place: Place;
  readonly #lock: DataDirLock;
  #running: Running;
  #watch: NodeJS.Timeout | undefined;
  #restarting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;

  constructor(place: Place, lock: DataDirLock, running: Running) {
    this.#place = place;
    this.#lock = lock;
    this.#running = running;
    this.isAdopted = running.child === null;
    this.connection = socketConnection(running.socketDir);
    this.#supervise();
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** Stops the server and gives the data directory free; close pools first. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#watch);
    await this.#restarting;
    await stopPostmaster(this.#running.pid, () => hasEnded(this.#running));
    removeSocketDir(this.#running.socketDir);
    this.#lock.release();
  }

  /** A child tells its end; a survivor has to be looked at. */
  #supervise(): void {
    const running = this.#running;
    let isReported = false;
    const check = () => {
      if (isReported || this.#stopping !== null || !hasEnded(running)) return;
      isReported = true;
      clearInterval(this.#watch);
      const how = running.child?.signalCode ?? running.child?.exitCode ?? 'gone';
      this.#place.log.error('database.stopped_by_itself', { pid: running.pid, how: String(how) });
      this.#restarting = this.#restart();
    };
    running.child?.once('exit', check);
    this.#watch = setInterval(check, WATCH_EVERY_MS).unref();
    check();
  }

  async #restart(): Promise<void> {
    for (const pauseMs of RESTART_PAUSES_MS) {
      await pause(pauseMs, undefined, { ref: false });
      if (this.#stopping !== null) return;
      try {
        // Its id may stand in postmaster.pid still.
        await adoptSurvivor(this.#place.clusterDir, this.#place.log);
        this.#running = await launch(this.#place);
        this.#supervise();
        return;
      } catch (error) {
        this.#place.log.error('database.restart_failed', {}, error);
      }
    }
  }
}

function hasEnded({ pid, child }: Running): boolean {
  return child ? child.exitCode !== null || child.signalCode !== null : !isProcessAlive(pid);
}
