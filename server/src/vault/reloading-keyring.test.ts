import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addKeyringKey } from './keyring-file.ts';
import { openSecretBox } from './open-secret-box.ts';

const OWNER = { projectId: '1', recordId: 'c1', kind: 'credential.twilio' };
const store = { usedKeyIds: async () => [] };

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'keyring-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const open = () => openSecretBox({ vaultKeys: [], dataDir, store });

test('a process that runs opens what was sealed with a key made since, and then seals with that one', async () => {
  const running = (await open()).secretBox;
  const old = await running.seal(Buffer.from('old'), OWNER);
  addKeyringKey(dataDir);
  const rotated = (await open()).secretBox;
  const sealed = await rotated.rewrap(old, OWNER);

  const opened = await running.open(sealed, OWNER);
  const next = await running.seal(Buffer.from('next'), OWNER);

  expect(Buffer.from(opened).toString()).toBe('old');
  expect(sealed.keyId).not.toBe(old.keyId);
  expect(next.keyId).toBe(sealed.keyId);
  expect(Buffer.from(await running.open(old, OWNER)).toString()).toBe('old');
});

test('a key that is nowhere is named, and a keyring that is damaged meanwhile takes nothing away', async () => {
  const running = (await open()).secretBox;
  const sealed = await running.seal(Buffer.from('kept'), OWNER);
  writeFileSync(join(dataDir, 'keyring.json'), 'damaged', { mode: 0o600 });

  await expect(running.open({ ...sealed, keyId: 'local-ffffffff' }, OWNER)).rejects.toThrow(
    'the vault has no key local-ffffffff',
  );
  rmSync(join(dataDir, 'keyring.json'));
  await expect(running.open({ ...sealed, keyId: 'local-ffffffff' }, OWNER)).rejects.toThrow('local-ffffffff');

  expect(Buffer.from(await running.open(sealed, OWNER)).toString()).toBe('kept');
  expect(existsSync(join(dataDir, 'keyring.json'))).toBe(false);
});

test('the start names the key that stored secrets need and the vault does not have', async () => {
  const needy = { usedKeyIds: async () => ['local-ffffffff'] };

  await expect(openSecretBox({ vaultKeys: [], dataDir, store: needy })).rejects.toThrow(
    'stored secrets need the vault key local-ffffffff',
  );
});

test("a secret moved to another project's row does not open", async () => {
  const { secretBox } = await open();
  const sealed = await secretBox.seal(Buffer.from('mine'), OWNER);

  await expect(secretBox.open(sealed, { ...OWNER, projectId: '2' })).rejects.toThrow('does not open');
});
