import { describe, expect, test } from 'vitest';
import type { SealedSecret } from '../core/ports/secret-box.ts';
import { Envelope } from './envelope.ts';
import { LocalKeyring } from './local-keyring.ts';

const OLD = { keyId: '1', key: new Uint8Array(32).fill(1) };
const NEW = { keyId: '2', key: new Uint8Array(32).fill(2) };
const OWNER = { projectId: '7', recordId: 'c0ffee', kind: 'twilio' };
const PLAIN = Buffer.from('{"account_token":"very secret"}');

const box = (...keys: (typeof OLD)[]) => new Envelope(new LocalKeyring(keys));
const flip = (bytes: Uint8Array, index: number) => bytes.map((byte, at) => (at === index ? byte ^ 1 : byte));

describe('sealing', () => {
  test('what was sealed opens, and holds nothing readable', async () => {
    const sealed = await box(OLD).seal(PLAIN, OWNER);

    expect(Buffer.from(await box(OLD).open(sealed, OWNER))).toEqual(PLAIN);
    expect(sealed).toMatchObject({ algorithm: 'A256GCM.v1', keyId: '1' });
    expect(Buffer.from(sealed.sealed).includes('secret')).toBe(false);
    expect([sealed.wrappedKey.length, sealed.sealed.length]).toEqual([12 + 16 + 32, 12 + 16 + PLAIN.length]);
  });

  test('the same secret sealed twice shares neither data key nor bytes', async () => {
    const one = await box(OLD).seal(PLAIN, OWNER);
    const two = await box(OLD).seal(PLAIN, OWNER);

    expect(one.wrappedKey).not.toEqual(two.wrappedKey);
    expect(one.sealed).not.toEqual(two.sealed);
  });

  test.each([
    ['project', { ...OWNER, projectId: '8' }],
    ['record', { ...OWNER, recordId: 'c0ffef' }],
    ['kind', { ...OWNER, kind: 'vonage' }],
  ])('a row copied to another %s does not open', async (_, owner) => {
    const sealed = await box(OLD).seal(PLAIN, OWNER);

    await expect(box(OLD).open(sealed, owner)).rejects.toMatchObject({ code: 'internal' });
  });

  test('a data key and bytes of two records of one owner do not mix', async () => {
    const one = await box(OLD).seal(PLAIN, OWNER);
    const two = await box(OLD).seal(PLAIN, OWNER);

    await expect(box(OLD).open({ ...one, sealed: two.sealed }, OWNER)).rejects.toMatchObject({ code: 'internal' });
  });

  test('a single changed bit anywhere is noticed, and the error shows no secret', async () => {
    const sealed = await box(OLD).seal(PLAIN, OWNER);
    const damaged: SealedSecret[] = [
      ...Array.from(sealed.sealed, (_, index) => ({ ...sealed, sealed: flip(sealed.sealed, index) })),
      ...Array.from(sealed.wrappedKey, (_, index) => ({ ...sealed, wrappedKey: flip(sealed.wrappedKey, index) })),
    ];

    for (const secret of damaged) {
      const error = await box(OLD)
        .open(secret, OWNER)
        .catch((caught: unknown) => caught as Error);
      expect(error).toMatchObject({ code: 'internal' });
      expect(String((error as Error).message)).not.toContain('very secret');
    }
  });

  test.each([0, 11, 27, 28, 31])('bytes cut to %d do not open, not even with a short tag', async (length) => {
    const sealed = await box(OLD).seal(PLAIN, OWNER);
    const cut = { ...sealed, sealed: sealed.sealed.slice(0, length) };

    await expect(box(OLD).open(cut, OWNER)).rejects.toMatchObject({ code: 'internal' });
  });

  test('owners whose names could run together are refused', async () => {
    await expect(box(OLD).seal(PLAIN, { ...OWNER, recordId: 'a|b' })).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('turning the key over', () => {
  test('re-wrapping leaves the sealed bytes alone, and then the old key is not needed', async () => {
    const sealed = await box(OLD).seal(PLAIN, OWNER);

    const rewrapped = await box(NEW, OLD).rewrap(sealed, OWNER);

    expect(rewrapped.keyId).toBe('2');
    expect(rewrapped.sealed).toEqual(sealed.sealed);
    expect(Buffer.from(await box(NEW).open(rewrapped, OWNER))).toEqual(PLAIN);
  });

  test('a key that is missing is named', async () => {
    const sealed = await box(OLD).seal(PLAIN, OWNER);

    await expect(box(NEW).open(sealed, OWNER)).rejects.toThrow('the vault has no key 1');
  });
});
