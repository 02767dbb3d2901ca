// npm run check:docs: what the documents say against what the code does, and a few rules of the house.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from '../server/src/config/settings.ts';
import { errorTable } from '../server/src/core/errors.ts';
import {
  brokenLinks,
  errorDocs,
  type Files,
  lockGaps,
  longFiles,
  registryHosts,
  settingDocs,
  skippedTests,
} from './checks.ts';

const root = join(import.meta.dirname, '..');
const TEXT = /\.(ts|tsx|mjs|js|json|md|yml|yaml|sh|css|html|example)$|(^|\/)(run|Dockerfile|\.npmrc|\.gitignore)$/;
const LOCK = 'package-lock.json';

const files = readFiles();
const lock = JSON.parse(read(LOCK));
const findings = {
  'errors are documented': errorDocs(Object.keys(errorTable()), read('docs/errors.md')),
  'settings are documented': settingDocs(
    Object.keys(SETTINGS),
    read('docs/configuration.md'),
    read('docker/assistant-api/.assistant.env.example'),
  ),
  'links lead somewhere': brokenLinks(files),
  'files are short': longFiles(files),
  'all tests run': skippedTests(files),
  'the lock is whole': lockGaps(lock),
  'no registry is named': registryHosts(files, lock),
};

for (const [rule, found] of Object.entries(findings)) {
  console.log(`${found.length === 0 ? 'ok  ' : 'FAIL'} ${rule}`);
  for (const finding of found) console.log(`     ${finding}`);
}
process.exitCode = Object.values(findings).some((found) => found.length > 0) ? 1 : 0;

/** What git knows or would take, as far as it is text. */
function readFiles(): Files {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const paths = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 }).split('\0');
  const wanted = [...new Set(paths)].filter((path) => path !== '' && path !== LOCK && existsSync(join(root, path)));
  return new Map(wanted.map((path) => [path, TEXT.test(path) ? read(path) : '']));
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
