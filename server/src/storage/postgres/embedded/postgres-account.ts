import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../../../core/errors.ts';

/** The account PostgreSQL runs as; null: our own, because we are not root. */
export type PostgresAccount = { readonly uid: number; readonly gid: number } | null;

/** `nobody` on Debian, Alpine and Fedora alike: PostgreSQL refuses to run as root. */
const NOBODY = 65534;

/**
 * Makes the data directory and says who PostgreSQL will be in it: we ourselves, or, for root, the owner of what is
 * there, else `nobody`. @throws AppError not_configured when that account cannot reach or read it.
 */
export function prepareDataDir(dataDir: string, clusterDir: string): PostgresAccount {
  const isRoot = process.getuid?.() === 0;
  mkdirSync(dataDir, { recursive: true, mode: isRoot ? 0o711 : 0o700 });
  const owner = ownerOf(clusterDir);
  if (!isRoot) {
    const uid = process.getuid?.();
    if (owner !== null && uid !== undefined && owner.uid !== uid) {
      throw new AppError('not_configured', {
        detail:
          `${clusterDir} belongs to uid ${owner.uid} and this process is uid ${uid}. Start it as before, ` +
          `run chown -R ${uid} ${dataDir}, or choose another DATA_DIR`,
      });
    }
    return null;
  }
  const account = owner !== null && owner.uid !== 0 ? owner : { uid: NOBODY, gid: NOBODY };
  // Others may pass through, not look around: the keyring beside it stays ours alone.
  if (!canPass(statSync(dataDir), account)) chmodSync(dataDir, (statSync(dataDir).mode & 0o777) | 0o011);
  const closed = firstClosedFolder(dataDir, account);
  if (closed !== null) {
    throw new AppError('not_configured', {
      detail:
        `PostgreSQL cannot run as root, and as uid ${account.uid} it cannot enter ${closed}. Choose a DATA_DIR that ` +
        'other users may pass through, such as /var/lib/assistant-api, or start the server as an ordinary user',
    });
  }
  return account;
}

/** Gives a folder to the account, readable by it alone. */
export function giveFolder(folder: string, account: PostgresAccount): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  if (account) chownSync(folder, account.uid, account.gid);
}

/** The outermost folder on the way to (and including) `path` that the account may not enter; null when it may enter all. */
export function firstClosedFolder(path: string, account: PostgresAccount): string | null {
  if (account === null) return null;
  const parent = dirname(path);
  const above = parent === path ? null : firstClosedFolder(parent, account);
  if (above !== null) return above;
  return canPass(statSync(path), account) ? null : path;
}

/** Whether the account may read the file, its folders being open to it. */
export function canRead(file: string, account: PostgresAccount): boolean {
  return account === null || (accessBits(statSync(file), account) & 0o4) !== 0;
}

type Owned = { readonly uid: number; readonly gid: number; readonly mode: number };

function canPass(folder: Owned, account: { uid: number; gid: number }): boolean {
  return (accessBits(folder, account) & 0o1) !== 0;
}

function accessBits(file: Owned, account: { uid: number; gid: number }): number {
  if (file.uid === account.uid) return (file.mode >> 6) & 0o7;
  if (file.gid === account.gid) return (file.mode >> 3) & 0o7;
  return file.mode & 0o7;
}

function ownerOf(clusterDir: string): { uid: number; gid: number } | null {
  const version = statSync(join(clusterDir, 'PG_VERSION'), { throwIfNoEntry: false });
  return version ? { uid: version.uid, gid: version.gid } : null;
}
