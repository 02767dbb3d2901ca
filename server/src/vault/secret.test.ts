import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';

test('a secret comes out where it is asked for and nowhere else', () => {
  const secret = new Secret('hunter2');
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { depth: 9, showHidden: true }),
    format('%s %o %j', secret, secret, secret),
    JSON.stringify(Object.entries(secret)),
  ].join();

  expect(secret.expose()).toBe('hunter2');
  expect(shown).not.toContain('hunter2');
  expect(String(secret)).toBe('***');
});
