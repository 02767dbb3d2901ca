import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../../../core/errors.ts';
import type { NativePostgres } from './native-package.ts';
import { giveFolder, type PostgresAccount } from './postgres-account.ts';

/** The file in a cluster that names it: what tells a survivor of ours from any other server. */
export const INSTANCE_FILE = 'assistant-instance';
export const SUPERUSER = 'app';

/**
 * Makes the cluster unless it is there: in a folder beside it that is renamed at the end, so a start that was cut off
 * leaves nothing half made. Trust is enough: the only way in is a socket in a folder closed to others.
 * @throws AppError not_configured or database_unavailable with what initdb said.
 */
export async function initialiseCluster(
  clusterDir: string,
  native: NativePostgres,
  account: PostgresAccount,
): Promise<boolean> {
  if (existsSync(join(clusterDir, 'PG_VERSION'))) return false;
  removeDrafts(clusterDir);
  const draft = `${clusterDir}.new-${randomUUID()}`;
  giveFolder(draft, account);
  await runInitdb(draft, native, account);
  const instance = join(draft, INSTANCE_FILE);
  writeFileSync(instance, `${randomUUID()}\n`, { mode: 0o600 });
  if (account) chownSync(instance, account.uid, account.gid);
  rmSync(clusterDir, { recursive: true, force: true });
  renameSync(draft, clusterDir);
  return true;
}

function removeDrafts(clusterDir: string): void {
  const parent = dirname(clusterDir);
  for (const name of readdirSync(parent)) {
    if (name.startsWith(`${basename(clusterDir)}.new-`)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function runInitdb(draft: string, native: NativePostgres, account: PostgresAccount): Promise<void> {
  const args = ['-D', draft, '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
  // 4 MB segments: a fresh cluster takes 31 MB instead of 55.
  args.push('--wal-segsize=4', '--no-instructions');
  return new Promise((resolve, reject) => {
    const child = spawn(native.initdb, args, { cwd: draft, stdio: ['ignore', 'ignore', 'pipe'], ...account });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
    child.once('error', (cause) => reject(cannotRun(native.initdb, cause)));
    child.once('close', (code) => (code === 0 ? resolve() : reject(initdbFailed(said))));
  });
}

/** The error for a program of PostgreSQL that the system would not start. */
export function cannotRun(program: string, cause: Error): AppError {
  return new AppError('not_configured', { detail: `${program} does not run here: ${cause.message}`, cause });
}

function initdbFailed(said: string): AppError {
  if (said.includes('could not look up effective user ID')) {
    return new AppError('not_configured', {
      detail:
        `PostgreSQL needs a name for uid ${process.getuid?.()}, and /etc/passwd has none. ` +
        'Run as a user that is listed there, or set DATABASE_URL to a PostgreSQL elsewhere',
    });
  }
  return new AppError('database_unavailable', { detail: `initdb failed: ${said.trim() || 'it said nothing'}` });
}
