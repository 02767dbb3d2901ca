import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROW = /^\| .+ \| (.+) \| ([a-z/.-]+\.test\.ts) \|$/gm;

/** Where the paths begin that are none of this room's. */
const FOLDERS: Readonly<Record<string, string>> = { peers: '../../../', test: '../../', channels: '../', media: '../' };

test('every test that docs/sip-checklist.md names exists, word for word', () => {
  const checklist = readFileSync(new URL('../../../docs/sip-checklist.md', import.meta.url), 'utf8');
  const rows = [...checklist.matchAll(ROW)].map(([, name = '', file = '']) => ({ name, file }));

  const missing = rows.filter(({ name, file }) => !readFileSync(placeOf(file), 'utf8').includes(name));

  expect(missing).toEqual([]);
  expect(rows.length).toBeGreaterThan(170);
});

test('at most five lines have a reason instead of a test', () => {
  const checklist = readFileSync(new URL('../../../docs/sip-checklist.md', import.meta.url), 'utf8');
  const [, reasons = ''] = checklist.split('## A reason instead of a test');

  expect(reasons.match(/^- /gm)?.length).toBeLessThanOrEqual(5);
});

function placeOf(file: string): URL {
  const [room = ''] = file.split('/');
  return new URL((FOLDERS[room] ?? './') + file, import.meta.url);
}
