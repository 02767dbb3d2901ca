import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshStorage } from '../../../test/postgres/fresh-database.ts';
import { SAMPLE_SETTINGS, sampleAssistant } from '../../../test/postgres/sample-calls.ts';
import type { AssistantId, ProjectId } from '../../core/ids.ts';
import type { Storage } from '../open-storage.ts';

let storage: Storage;
beforeAll(async () => {
  storage = await freshStorage();
});
afterAll(() => storage[Symbol.asyncDispose]());

test('a new version is published at once, a draft is not, and old ones stay as they were', async () => {
  const { assistantId } = await sampleAssistant(storage.assistants);

  const second = await storage.assistants.addVersion(assistantId, { ...SAMPLE_SETTINGS, language: 'de-DE' });
  const draft = await storage.assistants.addVersion(assistantId, SAMPLE_SETTINGS, { isPublished: false });

  expect([second.version, draft.version]).toEqual([2, 3]);
  expect((await storage.assistants.find(assistantId))?.publishedVersion).toBe(2);
  expect((await storage.assistants.version(assistantId))?.settings.language).toBe('de-DE');
  expect((await storage.assistants.version(assistantId, 1))?.settings).toEqual(SAMPLE_SETTINGS);
  expect(await storage.assistants.version(assistantId, 4)).toBeNull();
});

test('versions added at the same time get numbers of their own', async () => {
  const { assistantId } = await sampleAssistant(storage.assistants);

  const added = await Promise.all(
    Array.from({ length: 10 }, () => storage.assistants.addVersion(assistantId, SAMPLE_SETTINGS)),
  );

  expect(added.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('an id is taken once, and the largest one is exact', async () => {
  const project = await storage.assistants.createProject('edge');
  const id = '9007199254740991' as AssistantId;
  await storage.assistants.create({ id, projectId: project.id, name: 'Largest', settings: SAMPLE_SETTINGS });

  const again = storage.assistants.create({ id, projectId: project.id, name: 'Again', settings: SAMPLE_SETTINGS });

  await expect(again).rejects.toMatchObject({ code: 'conflict' });
  expect((await storage.assistants.list(project.id)).map((assistant) => assistant.id)).toEqual(['9007199254740991']);
});

test('a project that is not there is named', async () => {
  const made = storage.assistants.create({
    id: '77' as AssistantId,
    projectId: '424242' as ProjectId,
    name: 'Nowhere',
    settings: SAMPLE_SETTINGS,
  });

  await expect(made).rejects.toMatchObject({ code: 'not_found', detail: 'there is no project 424242' });
  expect(await storage.assistants.find('77' as AssistantId)).toBeNull();
});

test('versions of an assistant that is not there are refused', async () => {
  const added = storage.assistants.addVersion('78' as AssistantId, SAMPLE_SETTINGS);

  await expect(added).rejects.toMatchObject({ code: 'assistant_not_found' });
});
