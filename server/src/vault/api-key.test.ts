import { expect, test } from 'vitest';
import { SeededRandom } from '../../test/fakes/seeded-random.ts';
import { hashApiKey, isApiKey, newApiKey, shownPrefix } from './api-key.ts';

const EXAMPLE = 'rpd-LabKey0LabKey1LabKey2LabKey3La09PUdD';

test("the manual's example is a key", () => {
  expect(isApiKey(EXAMPLE)).toBe(true);
  expect(shownPrefix(EXAMPLE)).toBe('rpd-LabK');
});

test('one wrong character anywhere is noticed', () => {
  for (let index = 0; index < EXAMPLE.length; index++) {
    const changed = `${EXAMPLE.slice(0, index)}${EXAMPLE[index] === 'x' ? 'y' : 'x'}${EXAMPLE.slice(index + 1)}`;
    expect([index, isApiKey(changed)]).toEqual([index, false]);
  }
});

test.each(['', 'rpd-', `${EXAMPLE} `, EXAMPLE.slice(0, -1), `${EXAMPLE}0`, EXAMPLE.toUpperCase(), `\n${EXAMPLE}`])(
  '%j is no key',
  (text) => {
    expect(isApiKey(text)).toBe(false);
  },
);

test('made keys are keys, are letters and digits after the dash, and differ', () => {
  const random = new SeededRandom(7);

  const keys = Array.from({ length: 1_000 }, () => newApiKey(random));

  expect(keys.every(isApiKey)).toBe(true);
  expect(keys.every((key) => /^rpd-[0-9A-Za-z]{36}$/.test(key))).toBe(true);
  expect(new Set(keys).size).toBe(1_000);
});

test('the stored hash is SHA-256 of the whole key', () => {
  // printf %s rpd-LabKey0LabKey1LabKey2LabKey3La09PUdD | sha256sum
  expect(Buffer.from(hashApiKey(EXAMPLE)).toString('hex')).toBe(
    '799fdc9a8f23055503df896ba1c50ca54ae44b87c24ba9f21c726a142d9aa62a',
  );
});
