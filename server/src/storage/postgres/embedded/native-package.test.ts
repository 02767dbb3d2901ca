import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findNativePostgres, locatePackage } from './native-package.ts';

const NOBODY = { uid: 65534, gid: 65534 };
const isRoot = process.getuid?.() === 0;
let folder: string;
let packageDir: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'native-'));
  packageDir = join(folder, 'package');
  execFileSync('cp', ['-a', locatePackage(), packageDir]);
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function removeLinks(): number {
  const lib = join(packageDir, 'native', 'lib');
  const links = readdirSync(lib).filter((name) => lstatSync(join(lib, name)).isSymbolicLink());
  for (const name of links) rmSync(join(lib, name));
  return links.length;
}

test('links that npm left out are made again, and PostgreSQL runs', () => {
  expect(removeLinks()).toBeGreaterThan(5);

  const { postgres } = findNativePostgres(join(folder, 'data'), null, packageDir);

  expect(readlinkSync(join(packageDir, 'native', 'lib', 'libpq.so.5'))).toMatch(/^libpq\.so\.5\.\d+$/);
  expect(execFileSync(postgres, ['--version'], { encoding: 'utf8' })).toMatch(/^postgres \(PostgreSQL\) 18\./);
});

if (isRoot) {
  test('a package in a folder closed to the account is copied, links and rights included, once', () => {
    removeLinks();
    const dataDir = join(folder, 'data');
    mkdirSync(dataDir, { mode: 0o711 });
    chmodSync(packageDir, 0o700);

    const { postgres } = findNativePostgres(dataDir, NOBODY, packageDir);
    const again = findNativePostgres(dataDir, NOBODY, packageDir);

    expect(postgres.startsWith(dataDir)).toBe(true);
    expect(again.postgres).toBe(postgres);
    const said = execFileSync(postgres, ['--version'], { encoding: 'utf8', cwd: '/', ...NOBODY });
    expect(said).toMatch(/^postgres \(PostgreSQL\) 18\./);
  });
}
