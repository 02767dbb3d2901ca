import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startChild } from '../../../test/postgres/children/child.ts';
import { freshStorage } from '../../../test/postgres/fresh-database.ts';
import { sampleAssistant, sampleContext } from '../../../test/postgres/sample-calls.ts';

test('four processes race for 300 contexts: each is claimed exactly once, every loser is told so', async () => {
  await using storage = await freshStorage();
  const folder = await mkdtemp(join(tmpdir(), 'claim-race-'));
  const assistant = await sampleAssistant(storage.assistants);
  const opened = await Promise.all(Array.from({ length: 300 }, () => storage.calls.open(sampleContext(assistant))));
  const ids = opened.map(({ context }) => context.contextId);
  await writeFile(join(folder, 'ids'), ids.join('\n'));

  const racers = ['a', 'b', 'c', 'd'].map((node) =>
    startChild('claim-race.ts', [storage.url, node, join(folder, 'ids')]),
  );
  for (const racer of racers) expect(await racer.line()).toBe('ready');
  for (const racer of racers) racer.send('go\n');
  const results = await Promise.all(
    racers.map(async (racer) => JSON.parse(await racer.line()) as { wins: string[]; errors: string[] }),
  );

  expect(results.flatMap(({ wins }) => wins).toSorted()).toEqual(ids.toSorted());
  expect(results.flatMap(({ errors }) => errors)).toEqual(Array.from({ length: 900 }, () => 'context_claimed'));
  await rm(folder, { recursive: true });
});
