import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addKeyringKey, openKeyringFile } from './keyring-file.ts';
import { LocalKeyring } from './local-keyring.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keyring-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const AAD = Buffer.from('aad');

test('is made once, for its owner only, and the same afterwards', async () => {
  const first = openKeyringFile(dir);
  const wrapped = await first.keyring.wrap(new Uint8Array(32).fill(9), AAD);

  const second = openKeyringFile(dir);

  expect([first.isNew, second.isNew]).toEqual([true, false]);
  expect(statSync(first.path).mode & 0o777).toBe(0o600);
  expect(new Uint8Array(await second.keyring.unwrap(wrapped, AAD))).toEqual(new Uint8Array(32).fill(9));
  expect(readdirSync(dir)).toEqual(['keyring.json']);
});

test('a keyring made anew has another id, so what the lost one wrapped is missed by name', () => {
  const lost = openKeyringFile(dir);
  rmSync(lost.path);

  expect(openKeyringFile(dir).keyring.currentKeyId).not.toBe(lost.keyring.currentKeyId);
});

test('a keyring others may read is refused with the command that closes it', () => {
  const { path } = openKeyringFile(dir);
  chmodSync(path, 0o640);

  expect(() => openKeyringFile(dir)).toThrow(`may be read by others (mode 640). Run: chmod 600 ${path}`);
});

test.each(['', '{', '[]', '{"format":2,"keys":[]}', '{"format":1,"keys":[{"id":"a","key":"c2hvcnQ="}]}'])(
  'a damaged keyring is refused and left as it is: %j',
  (content) => {
    const { path } = openKeyringFile(dir);
    writeFileSync(path, content);

    expect(() => openKeyringFile(dir)).toThrow('is damaged. Put back a copy of it');
    expect(readFileSync(path, 'utf8')).toBe(content);
  },
);

test('a key that is added becomes current, and the old one stays', () => {
  const before = openKeyringFile(dir).keyring;

  const after = addKeyringKey(dir);

  expect(after.keyIds).toEqual([after.currentKeyId, before.currentKeyId]);
  expect(openKeyringFile(dir).keyring.keyIds).toEqual(after.keyIds);
});

test('keys of the wrong length, none, or two of one id are refused', () => {
  const key = new Uint8Array(32);

  expect(() => new LocalKeyring([])).toThrow('the vault has no key');
  expect(() => new LocalKeyring([{ keyId: '1', key: key.slice(1) }])).toThrow('vault key 1 has 31 bytes');
  expect(
    () =>
      new LocalKeyring([
        { keyId: '1', key },
        { keyId: '1', key },
      ]),
  ).toThrow('two vault keys share an id');
});
