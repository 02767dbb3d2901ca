import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROW = /^\| .+ \| (.+) \| ([a-z/-]+\.test\.ts) \|$/gm;

test('every test that docs/sip-checklist.md names exists, word for word', () => {
  const checklist = readFileSync(new URL('../../../docs/sip-checklist.md', import.meta.url), 'utf8');
  const rows = [...checklist.matchAll(ROW)].map(([, name = '', file = '']) => ({ name, file }));

  const missing = rows.filter(({ name, file }) => !readFileSync(new URL(file, import.meta.url), 'utf8').includes(name));

  expect(missing).toEqual([]);
  expect(rows.length).toBeGreaterThan(130);
});
