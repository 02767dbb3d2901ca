// What `npm start` and `npm test` run first. Plain old JavaScript without dependencies: it runs on whatever Node
// the machine has, before anything is installed. It installs when the lock is newer than what is installed, and
// says in one line what is missing.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIN_NODE = [24, 3];
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const purpose = process.argv[2] || 'start';

if (!isInstalled()) install();
checkNode();

function isInstalled() {
  const marker = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(marker)) return false;
  if (statSync(marker).mtimeMs < statSync(join(root, 'package-lock.json')).mtimeMs) return false;
  return purpose === 'start' || existsSync(join(root, 'node_modules', 'vitest'));
}

function install() {
  const isProduction = purpose === 'start' && process.env.NODE_ENV === 'production';
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', isProduction ? '--omit=dev' : '--include=dev'];
  console.error(`Installing the packages of package-lock.json (npm ${args.join(' ')}) ...`);
  const startedAt = Date.now();
  const result = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (result.status !== 0) fail('npm ci failed; its message is above. Is the npm registry reachable from here?');
  console.error(`Installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
}

function checkNode() {
  if (satisfies(process.versions.node)) return;
  const local = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  if (existsSync(local)) return;
  fail(
    `This needs Node ${MIN_NODE.join('.')} or newer; this is ${process.versions.node}, and no Node came with the ` +
      `packages for ${process.platform}-${process.arch}. Install Node 24 from your system's packages and run this again.`,
  );
}

function satisfies(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
}

function fail(message) {
  console.error(`\n${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name}: ${message}\n`);
  process.exit(1);
}
