import { expect, test } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { type Check, fail, ok, runChecks, warn } from './check.ts';

test('findings are told in order, each with what to do, and counted', async () => {
  const lines: string[] = [];
  const checks: Check[] = [
    { name: 'settings', run: () => ok('all are understood') },
    {
      name: 'public host',
      run: async () => [warn('9 days left', 'renew the certificate'), fail('no answer', 'open port 443')],
    },
  ];

  const summary = await runChecks(checks, { say: (line) => lines.push(line) });

  expect(summary).toEqual({ ok: 1, warn: 1, fail: 1 });
  expect(lines).toEqual([
    'ok    settings            all are understood',
    'warn  public host         9 days left',
    '                          -> renew the certificate',
    'fail  public host         no answer',
    '                          -> open port 443',
  ]);
});

test('a check that throws is a fail with its words, and the next one runs', async () => {
  const lines: string[] = [];
  const checks: Check[] = [
    {
      name: 'database',
      run: () => {
        throw new AppError('database_unavailable', { detail: 'nothing listens on db:5432' });
      },
    },
    { name: 'keyring', run: () => Promise.reject(new Error('not to be read')) },
    { name: 'ports', run: () => ok('free') },
  ];

  const summary = await runChecks(checks, { say: (line) => lines.push(line) });

  expect(summary).toEqual({ ok: 1, warn: 0, fail: 2 });
  expect(lines[0]).toBe('fail  database            nothing listens on db:5432');
  expect(lines[1]).toBe('fail  keyring             not to be read');
});

test('a check that never ends is a fail, and is told to stop', async () => {
  let isStopped = false;
  const endless: Check = {
    name: 'carrier',
    run: (signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          isStopped = true;
        });
      }),
  };

  const summary = await runChecks([endless], { say: () => undefined, limitMs: 20 });

  expect({ summary, isStopped }).toEqual({ summary: { ok: 0, warn: 0, fail: 1 }, isStopped: true });
});
