import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { isProcessAlive } from '../process-identity.ts';
import { INSTANCE_FILE, SUPERUSER } from './initialise-cluster.ts';

const POLL_MS = 5;
const FAST_STOP_MS = 10_000;
const IMMEDIATE_STOP_MS = 5_000;

/** What postmaster.pid says, in PostgreSQL's own order of lines (miscadmin.h, LOCK_FILE_LINE_*). */
export type PostmasterFile = {
  readonly pid: number;
  readonly socketDir: string;
  readonly isReady: boolean;
};

/** Reads postmaster.pid; null when there is none or it is being written. */
export function readPostmasterFile(clusterDir: string): PostmasterFile | null {
  try {
    const lines = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    if (!Number.isInteger(pid) || pid <= 0) return null;
    return { pid, socketDir: lines[4] ?? '', isReady: (lines[7] ?? '').trim() === 'ready' };
  } catch {
    return null;
  }
}

/** How to reach a server on its socket. */
export type SocketConnection = { readonly host: string; readonly user: string; readonly database: string };

export function socketConnection(socketDir: string): SocketConnection {
  return { host: socketDir, user: SUPERUSER, database: 'postgres' };
}

export type Answer = 'ours' | 'another' | 'starting' | 'stopping' | 'silent';

/** Asks the server behind a socket whether it serves this very cluster. */
export async function askWhoItIs(clusterDir: string, socketDir: string): Promise<Answer> {
  const client = new pg.Client({
    ...socketConnection(socketDir),
    connectionTimeoutMillis: 2_000,
    query_timeout: 2_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const result = await client.query<{ instance: string }>(
      `select pg_read_file('${INSTANCE_FILE}', true) as instance`,
    );
    const own = readFileSync(join(clusterDir, INSTANCE_FILE), 'utf8');
    return result.rows[0]?.instance === own ? 'ours' : 'another';
  } catch (error) {
    return interpret(error as Error & { code?: string });
  } finally {
    await client.end().catch(() => undefined);
  }
}

function interpret(error: Error & { code?: string }): Answer {
  // An SQLSTATE came from a server; system errors have longer names.
  if (error.code !== '57P03') return error.code?.length === 5 ? 'another' : 'silent';
  return /shutting down/.test(error.message) ? 'stopping' : 'starting';
}

/** Waits until `isTrue`, asking every few milliseconds; false when `limitMs` passed first. */
export async function waitUntil(isTrue: () => boolean, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!isTrue()) {
    if (performance.now() > deadline) return false;
    await pause(POLL_MS);
  }
  return true;
}

/** Stops a postmaster: fast (clients are cut off, all is written), then at once, then by force. Idempotent. */
export async function stopPostmaster(pid: number, hasExited = () => !isProcessAlive(pid)): Promise<void> {
  const steps: readonly (readonly [NodeJS.Signals, number])[] = [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', IMMEDIATE_STOP_MS],
    ['SIGKILL', IMMEDIATE_STOP_MS],
  ];
  for (const [signal, limitMs] of steps) {
    if (hasExited()) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    if (await waitUntil(hasExited, limitMs)) return;
  }
}
