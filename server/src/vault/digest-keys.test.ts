import { expect, test } from 'vitest';
import { FakeClock } from '../../test/fakes/fake-clock.ts';
import type { ApiKeyId, ProjectId } from '../core/ids.ts';
import type { StoredApiKey } from '../core/ports/api-key-repository.ts';
import { DigestKeys } from './digest-keys.ts';
import { Envelope } from './envelope.ts';
import { LocalKeyring } from './local-keyring.ts';

const PROJECT = '7' as ProjectId;
const box = new Envelope(new LocalKeyring([{ keyId: '1', key: new Uint8Array(32).fill(1) }]));

async function stored(id: string, changes: Partial<StoredApiKey> = {}): Promise<StoredApiKey> {
  const owner = { projectId: PROJECT, recordId: id, kind: 'api_key' };
  return {
    id: id as ApiKeyId,
    projectId: PROJECT,
    name: id,
    prefix: 'rpd-',
    scopes: ['talk'],
    isSealed: true,
    hash: new Uint8Array(32),
    sealed: await box.seal(Buffer.from(`clear ${id}`), owner),
    createdAt: new Date(0),
    expiresAt: null,
    revokedAt: null,
    ...changes,
  };
}

function world(keys: StoredApiKey[]) {
  const clock = new FakeClock();
  const database = { keys, reads: 0 };
  const list = async () => {
    database.reads++;
    return database.keys;
  };
  const digestKeys = new DigestKeys({ apiKeys: { list }, secretBox: box, clock });
  const clear = async () => (await digestKeys.ofProject(PROJECT)).map(({ key }) => key.expose());
  return { clock, database, digestKeys, clear };
}

test('only keys that are sealed, may talk and are not revoked count', async () => {
  const { clear } = world([
    await stored('good'),
    await stored('revoked', { revokedAt: new Date(0) }),
    await stored('reader', { scopes: ['calls'] }),
    await stored('unsealed', { sealed: null, isSealed: false }),
  ]);

  expect(await clear()).toEqual(['clear good']);
});

test('a key stops counting at its expiry, although it is remembered', async () => {
  const { clock, clear, database } = world([
    await stored('short', { expiresAt: new Date(Date.UTC(2026, 0, 1) + 1_000) }),
  ]);

  expect(await clear()).toEqual(['clear short']);
  clock.advance(1_000);

  expect(await clear()).toEqual([]);
  expect(database.reads).toBe(1);
});

test('they are read once a minute, and at once after forgetting', async () => {
  const { clock, clear, database, digestKeys } = world([await stored('one')]);
  await clear();
  await clear();
  expect(database.reads).toBe(1);

  database.keys = [];
  digestKeys.forget();
  expect(await clear()).toEqual([]);
  clock.advance(60_000);
  await clear();

  expect(database.reads).toBe(3);
});

test('of too many the newest 50 count', async () => {
  const keys = await Promise.all(
    Array.from({ length: 60 }, (_, index) => stored(`k${index}`, { createdAt: new Date(index) })),
  );

  const opened = await world(keys).clear();

  expect([opened.length, opened[0], opened.at(-1)]).toEqual([50, 'clear k59', 'clear k10']);
});
