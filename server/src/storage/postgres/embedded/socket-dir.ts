import { createHash } from 'node:crypto';
import { existsSync, lstatSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError } from '../../../core/errors.ts';
import { firstClosedFolder, giveFolder, type PostgresAccount } from './postgres-account.ts';

/** sun_path holds 108 bytes with its closing zero on Linux, 104 on macOS (unix(7), unix(4)). */
const LONGEST_SOCKET_PATH = 103;
const SOCKET_NAME = '.s.PGSQL.5432';

/**
 * Makes the folder of PostgreSQL's socket: short, the same for the same data directory, and closed to everybody else.
 * @throws AppError not_configured when no place will do.
 */
export function makeSocketDir(dataDir: string, account: PostgresAccount): string {
  const name = `assistant-api-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
  const places = Array.from(new Set([tmpdir(), '/tmp', '/run', '/var/tmp', dataDir]));
  for (const place of places) {
    const folder = join(place, name);
    if (join(folder, SOCKET_NAME).length > LONGEST_SOCKET_PATH || !existsSync(place)) continue;
    if (firstClosedFolder(dirname(folder), account) !== null || !isFreeOrOurs(folder, account)) continue;
    try {
      // What a killed server left: its lock would keep the next one out.
      removeSocketDir(folder);
      giveFolder(folder, account);
      return folder;
    } catch {}
  }
  throw new AppError('not_configured', {
    detail: `PostgreSQL's socket needs a short folder that we can write, and none of ${places.join(', ')} is one`,
  });
}

export function removeSocketDir(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** The names are predictable, so a folder that someone else made there is not used. */
function isFreeOrOurs(folder: string, account: PostgresAccount): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (!found) return true;
  const self = process.getuid?.();
  return found.isDirectory() && (found.uid === self || found.uid === account?.uid);
}
