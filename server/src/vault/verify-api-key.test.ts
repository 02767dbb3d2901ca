import { expect, test } from 'vitest';
import { FakeClock } from '../../test/fakes/fake-clock.ts';
import type { ApiKeyId, ProjectId } from '../core/ids.ts';
import type { StoredApiKey } from '../core/ports/api-key-repository.ts';
import { hashApiKey } from './api-key.ts';
import { ApiKeyVerifier } from './verify-api-key.ts';

const KEY = 'rpd-LabKey0LabKey1LabKey2LabKey3La09PUdD';

function world(changes: Partial<StoredApiKey> = {}) {
  const clock = new FakeClock();
  const stored: StoredApiKey = {
    id: 'key-1' as ApiKeyId,
    projectId: '7' as ProjectId,
    name: 'pbx',
    prefix: 'rpd-LabK',
    scopes: ['talk'],
    isSealed: false,
    hash: hashApiKey(KEY),
    sealed: null,
    createdAt: clock.date(),
    expiresAt: null,
    revokedAt: null,
    ...changes,
  };
  const database = { row: stored as StoredApiKey | null, reads: 0, isAway: false };
  const apiKeys = {
    findByHash: async (hash: Uint8Array) => {
      database.reads++;
      if (database.isAway) throw new Error('away');
      return database.row && Buffer.from(hash).equals(database.row.hash) ? database.row : null;
    },
  };
  return { clock, database, stored, verifier: new ApiKeyVerifier({ apiKeys, clock }) };
}

test('a good key tells whose it is, and is asked for once a minute', async () => {
  const { clock, database, verifier } = world();

  const first = await verifier.verify(KEY);
  clock.advance(59_000);
  await verifier.verify(KEY);
  expect(database.reads).toBe(1);
  clock.advance(2_000);
  await verifier.verify(KEY);

  expect(first).toEqual({ projectId: '7', apiKeyId: 'key-1', scopes: ['talk'] });
  expect(database.reads).toBe(2);
});

test('a key whose checksum does not fit never reaches the database', async () => {
  const { database, verifier } = world();

  expect(await verifier.verify(`${KEY.slice(0, -1)}E`)).toBeNull();
  expect(database.reads).toBe(0);
});

test('revoked and expired keys are refused', async () => {
  const revoked = world({ revokedAt: new Date(0) });
  const expired = world({ expiresAt: new Date(0) });

  expect(await revoked.verifier.verify(KEY)).toBeNull();
  expect(await expired.verifier.verify(KEY)).toBeNull();
});

test('a remembered key still expires on time', async () => {
  const { clock, verifier } = world({ expiresAt: new Date(Date.UTC(2026, 0, 1) + 10_000) });

  expect(await verifier.verify(KEY)).not.toBeNull();
  clock.advance(10_000);

  expect(await verifier.verify(KEY)).toBeNull();
});

test('after forgetting, a revocation counts at once', async () => {
  const { database, stored, verifier } = world();
  await verifier.verify(KEY);
  database.row = { ...stored, revokedAt: new Date(0) };

  expect(await verifier.verify(KEY)).not.toBeNull();
  verifier.forget(stored.id);

  expect(await verifier.verify(KEY)).toBeNull();
});

test('an answer that was on its way when the key was revoked is not remembered', async () => {
  const { database, stored, verifier } = world();

  const asked = verifier.verify(KEY);
  verifier.forget();
  await asked;
  database.row = { ...stored, revokedAt: new Date(0) };

  expect(await verifier.verify(KEY)).toBeNull();
});

test('while the database is away a remembered key goes on, an unknown one is an error and not a refusal', async () => {
  const { clock, database, verifier } = world();
  await verifier.verify(KEY);
  database.isAway = true;

  expect(await verifier.verify(KEY)).not.toBeNull();
  clock.advance(61_000);

  await expect(verifier.verify(KEY)).rejects.toThrow('away');
});
