import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createCredential,
  listCredentials,
  removeCredential,
  updateCredential,
} from '../../src/management/credentials.ts';
import { Envelope } from '../../src/vault/envelope.ts';
import { LocalKeyring } from '../../src/vault/local-keyring.ts';
import { rewrapDataKeys } from '../../src/vault/rotate-keys.ts';
import { sampleAssistant } from '../postgres/sample-calls.ts';
import {
  actorOf,
  type ManagementWorld,
  managementWorld,
  newCredentialId,
  newDeploymentId,
  OLD_KEY,
  sampleLine,
  TWILIO_VALUES,
} from './management-world.ts';

let world: ManagementWorld;
beforeAll(async () => {
  world = await managementWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const PEM = '-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\nabcdefgh4321\\n-----END PRIVATE KEY-----';

describe('a credential', () => {
  test('shows what is public and the last four characters of what is secret', async () => {
    const { credential } = await sampleLine(world);

    expect(credential).toMatchObject({
      provider: 'twilio',
      name: 'main',
      shown: { account_sid: TWILIO_VALUES.account_sid, account_token: '••••1234' },
    });
  });

  test('shows nothing of a short secret, and of a private key its own end', async () => {
    const assistant = await sampleAssistant(world.storage.assistants);
    const values = { api_key: 'ab12', api_secret: 'short', application_id: 'app', private_key: PEM };
    const wish = { id: newCredentialId(), provider: 'vonage', name: 'v', values };

    const { shown } = await createCredential(world.parts, actorOf(assistant), wish);

    expect(shown).toEqual({ api_key: 'ab12', api_secret: '••••', application_id: 'app', private_key: '••••4321' });
  });

  test('lies in the database unreadable, and opens in clear', async () => {
    const { credential, projectId } = await sampleLine(world);
    const client = new pg.Client({ connectionString: world.storage.url });
    await client.connect();
    const { rows } = await client.query('select credentials::text as row from credentials where id = $1', [
      credential.id,
    ]);
    await client.end();
    const stored = await world.storage.credentials.find(projectId, credential.id);
    if (!stored) throw new Error('it was not stored');

    const open = await world.parts.credentialVault.open(stored);

    expect(rows[0].row).not.toContain('twilio-token');
    expect(open.text('account_token')).toBe(TWILIO_VALUES.account_token);
    expect(open.text('nothing')).toBeNull();
    expect(inspect(open, { depth: 5 }) + JSON.stringify(open)).not.toContain('twilio-token');
  });

  test('copied to another project does not open', async () => {
    const { credential, projectId } = await sampleLine(world);
    const other = await sampleAssistant(world.storage.assistants);
    const stored = await world.storage.credentials.find(projectId, credential.id);
    if (!stored) throw new Error('it was not stored');

    const copied = world.parts.credentialVault.open({ ...stored, projectId: other.projectId });
    const renamed = world.parts.credentialVault.open({ ...stored, provider: 'vonage' });

    await expect(copied).rejects.toMatchObject({ code: 'internal' });
    await expect(renamed).rejects.toMatchObject({ code: 'internal' });
  });

  test('that is incomplete or wrong is refused with all that is wrong, and without a value', async () => {
    const assistant = await sampleAssistant(world.storage.assistants);
    const values = { account_sid: 'AC-not-so', acount_token: 'mistyped-secret' };
    const wish = { id: newCredentialId(), provider: 'twilio', name: 'x', values };

    const error = await createCredential(world.parts, actorOf(assistant), wish).catch((reason: Error) => reason);

    expect(error).toMatchObject({
      code: 'invalid_parameters',
      detail:
        'account_sid must be AC and 32 hexadecimal characters; account_token is missing; acount_token is no known key',
    });
    expect(inspect(error)).not.toMatch(/mistyped-secret|AC-not-so/);
  });

  test('takes the names Exotel prints as well', async () => {
    const assistant = await sampleAssistant(world.storage.assistants);
    const values = { client_id: 'the-client-id-5678', client_secret: 'the-client-secret-9999', account_sid: 'ex' };
    const wish = { id: newCredentialId(), provider: 'exotel', name: 'e', values };

    const { shown } = await createCredential(world.parts, actorOf(assistant), wish);

    expect(shown).toEqual({ api_key: '••••5678', api_secret: '••••9999', account_sid: 'ex' });
  });

  test('changes one value and keeps the others', async () => {
    const line = await sampleLine(world);

    const changed = await updateCredential(world.parts, actorOf(line), line.credential.id, {
      values: { account_token: 'another-token-0000009876' },
    });

    expect(changed.shown).toEqual({ account_sid: TWILIO_VALUES.account_sid, account_token: '••••9876' });
    expect(world.messages.at(-1)).toEqual({ type: 'project.changed', projectId: line.projectId });
  });

  test('made twice under one id is one', async () => {
    const assistant = await sampleAssistant(world.storage.assistants);
    const wish = { id: newCredentialId(), provider: 'twilio', name: 'once', values: TWILIO_VALUES };

    await createCredential(world.parts, actorOf(assistant), wish);
    await createCredential(world.parts, actorOf(assistant), { ...wish, name: 'twice' });

    expect((await listCredentials(world.parts, actorOf(assistant))).map(({ name }) => name)).toEqual(['once']);
  });

  test("is no other project's to see, change or remove", async () => {
    const line = await sampleLine(world);
    const stranger = actorOf(await sampleAssistant(world.storage.assistants));

    expect(await listCredentials(world.parts, stranger)).toEqual([]);
    await expect(updateCredential(world.parts, stranger, line.credential.id, {})).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(removeCredential(world.parts, stranger, line.credential.id)).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await listCredentials(world.parts, actorOf(line))).toHaveLength(1);
  });

  test('that a deployment uses cannot be removed', async () => {
    const line = await sampleLine(world);
    const deployment = {
      id: newDeploymentId(),
      projectId: line.projectId,
      assistantId: line.assistantId,
      channel: 'twilio',
      name: 'd',
      number: null,
      credentialId: line.credential.id,
      settings: {},
      isEnabled: true,
    } as const;
    await world.storage.deployments.create(deployment);

    await expect(removeCredential(world.parts, actorOf(line), line.credential.id)).rejects.toMatchObject({
      code: 'conflict',
    });
    await world.storage.deployments.remove(line.projectId, deployment.id);
    await removeCredential(world.parts, actorOf(line), line.credential.id);
  });

  test('is found by the public id of its account, over all projects', async () => {
    const account_sid = `AC${'f'.repeat(32)}`;
    const line = await sampleLine(world, { ...TWILIO_VALUES, account_sid });

    const found = await world.storage.credentials.findByShown('twilio', 'account_sid', account_sid);

    expect(found.map(({ id }) => id)).toEqual([line.credential.id]);
    expect(await world.storage.credentials.findByShown('vonage', 'account_sid', account_sid)).toEqual([]);
  });
});

test('what is written down and logged holds no secret', async () => {
  const line = await sampleLine(world);

  const { entries } = await world.storage.audit.list({ projectId: line.projectId, limit: 10 });

  expect(entries).toMatchObject([
    { action: 'credential.created', subject: line.credential.id, detail: { provider: 'twilio', name: 'main' } },
  ]);
  expect(JSON.stringify([entries, world.log.entries])).not.toContain('twilio-token');
});

test('turning the vault key over re-wraps data keys alone, and everything still opens', async () => {
  const line = await sampleLine(world);
  const before = await world.storage.credentials.find(line.projectId, line.credential.id);
  const fresh = { keyId: 'new', key: randomBytes(32) };

  await rewrapDataKeys(world.storage.sealedSecrets, new Envelope(new LocalKeyring([fresh, OLD_KEY])), 'new');

  const after = await world.storage.credentials.find(line.projectId, line.credential.id);
  expect(after?.sealed.keyId).toBe('new');
  expect(after?.sealed.sealed).toEqual(before?.sealed.sealed);
  expect(after?.sealed.wrappedKey).not.toEqual(before?.sealed.wrappedKey);
  expect(await world.storage.sealedSecrets.usedKeyIds()).toEqual(['new']);
});
