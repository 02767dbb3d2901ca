import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { makeScratchFolder, sweep } from './scratch-folder.ts';

test('a folder is empty, private, and gone with all it holds once disposed of', async () => {
  const folder = await makeScratchFolder('test');
  mkdirSync(join(folder.path, 'full', 'of', 'things'), { recursive: true });

  await folder[Symbol.asyncDispose]();

  expect(existsSync(folder.path)).toBe(false);
});

test('what a dead process left is swept when it is old; a live process, the young and strangers keep theirs', async () => {
  await using folder = await makeScratchFolder('test');
  const deadPid = spawnSync('true').pid;
  const names = [
    `assistant-pocketsphinx-${deadPid}-old`,
    `assistant-pocketsphinx-${process.pid}-mine`,
    'somebody-else-1-x',
  ];
  for (const name of names) mkdirSync(join(folder.path, name));

  await sweep(folder.path, Date.now() - 60_000);
  expect(readdirSync(folder.path).sort()).toEqual([...names].sort());

  await sweep(folder.path, Date.now() + 60_000);
  expect(readdirSync(folder.path).sort()).toEqual(names.slice(1).sort());
});
