import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProjectId } from '../../src/core/ids.ts';
import type { Random } from '../../src/core/ports/random.ts';
import type { Storage } from '../../src/storage/open-storage.ts';
import { createApiKey } from '../../src/vault/create-api-key.ts';
import { Envelope } from '../../src/vault/envelope.ts';
import { LocalKeyring } from '../../src/vault/local-keyring.ts';
import { requireKeysInUse, rewrapDataKeys } from '../../src/vault/rotate-keys.ts';
import { ApiKeyVerifier } from '../../src/vault/verify-api-key.ts';
import { realClock } from '../fakes/real-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { freshStorage } from './fresh-database.ts';

const OLD = { keyId: 'old', key: randomBytes(32) };
const NEW = { keyId: 'new', key: randomBytes(32) };
const seeded = new SeededRandom(randomBytes(4).readUInt32BE());
const random: Random = { uuid: randomUUID, bytes: randomBytes, below: (limit) => seeded.below(limit) };

let storage: Storage;
let projectId: ProjectId;
beforeAll(async () => {
  storage = await freshStorage();
  projectId = (await storage.assistants.createProject('keys')).id;
});
afterAll(() => storage[Symbol.asyncDispose]());

const envelope = (...keys: (typeof OLD)[]) => new Envelope(new LocalKeyring(keys));
const parts = () => ({ apiKeys: storage.apiKeys, secretBox: envelope(OLD), random });
const verifier = () => new ApiKeyVerifier({ apiKeys: storage.apiKeys, clock: realClock });

test('a made key is found by nothing but itself, and its sealed copy is the key', async () => {
  const { key, apiKey } = await createApiKey(parts(), { projectId, name: 'pbx', scopes: ['talk', 'calls'] });

  const stored = (await storage.apiKeys.list(projectId)).find(({ id }) => id === apiKey.id);
  const owner = { projectId, recordId: apiKey.id, kind: 'api_key' };
  if (!stored?.sealed) throw new Error('the key was not stored sealed');

  expect(await verifier().verify(key)).toEqual({ projectId, apiKeyId: apiKey.id, scopes: ['talk', 'calls'] });
  expect(Buffer.from(await envelope(OLD).open(stored.sealed, owner)).toString()).toBe(key);
  expect(JSON.stringify(stored)).not.toContain(key.slice(8));
  expect(apiKey).toMatchObject({ prefix: key.slice(0, 8), isSealed: true, revokedAt: null });
});

test('a revoked key is refused, and revoking it again changes nothing', async () => {
  const { key, apiKey } = await createApiKey(parts(), { projectId, name: 'gone', scopes: ['talk'] });

  expect(await storage.apiKeys.revoke(projectId, apiKey.id)).toBe(true);
  expect(await storage.apiKeys.revoke(projectId, apiKey.id)).toBe(false);

  expect(await verifier().verify(key)).toBeNull();
});

test('another project cannot revoke it', async () => {
  const other = await storage.assistants.createProject('other');
  const { key, apiKey } = await createApiKey(parts(), { projectId, name: 'mine', scopes: ['talk'] });

  expect(await storage.apiKeys.revoke(other.id, apiKey.id)).toBe(false);
  expect(await verifier().verify(key)).not.toBeNull();
});

test('a given key is taken once, a misspelt one not at all', async () => {
  const wish = { projectId, name: 'demo', scopes: ['admin'] as const };
  const givenKey = 'rpd-LabKey0LabKey1LabKey2LabKey3La09PUdD';

  expect((await createApiKey(parts(), { ...wish, givenKey })).key).toBe(givenKey);
  await expect(createApiKey(parts(), { ...wish, givenKey })).rejects.toMatchObject({ code: 'conflict' });
  await expect(createApiKey(parts(), { ...wish, givenKey: 'rpd-nonsense' })).rejects.toMatchObject({
    code: 'invalid_parameters',
  });
});

test('an unsealed key has no copy and works all the same', async () => {
  const { key, apiKey } = await createApiKey(parts(), { projectId, name: 'x', scopes: ['talk'], isSealed: false });

  expect(apiKey.isSealed).toBe(false);
  expect(await verifier().verify(key)).not.toBeNull();
});

test('after the key was turned over nothing needs the old one, and every copy still opens', async () => {
  for (let count = 0; count < 5; count++) await createApiKey(parts(), { projectId, name: 'many', scopes: ['talk'] });
  const before = (await storage.apiKeys.list(projectId)).filter(({ sealed }) => sealed !== null);
  await expect(requireKeysInUse(storage.sealedSecrets, new LocalKeyring([NEW]))).rejects.toThrow('vault key old');

  const count = await rewrapDataKeys(storage.sealedSecrets, envelope(NEW, OLD), 'new');

  expect(count).toBe(before.length);
  await requireKeysInUse(storage.sealedSecrets, new LocalKeyring([NEW]));
  for (const { id, sealed, prefix } of await storage.apiKeys.list(projectId)) {
    if (!sealed) continue;
    const opened = await envelope(NEW).open(sealed, { projectId, recordId: id, kind: 'api_key' });
    expect(Buffer.from(opened).toString('latin1', 0, 8)).toBe(prefix);
  }
});
