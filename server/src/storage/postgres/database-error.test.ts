import { expect, test } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { toDatabaseError } from './database-error.ts';

const withCode = (code: string) => Object.assign(new Error('said so'), { code });

test.each([
  ['57P01', 'database_unavailable'],
  ['57014', 'database_unavailable'],
  ['53300', 'database_unavailable'],
  ['08006', 'database_unavailable'],
  ['28P01', 'database_unavailable'],
  ['25006', 'database_unavailable'],
  ['40P01', 'database_unavailable'],
  ['ECONNREFUSED', 'database_unavailable'],
  ['ENOENT', 'database_unavailable'],
  ['22P02', 'invalid_parameters'],
  ['22003', 'invalid_parameters'],
  ['23505', 'internal'],
  ['42601', 'internal'],
])('%s is %s, and keeps its cause', (code, expected) => {
  const cause = withCode(code);

  expect(toDatabaseError(cause)).toMatchObject({ code: expected, cause });
});

test.each([
  'timeout exceeded when trying to connect',
  'Connection terminated unexpectedly',
  'Query read timeout',
  'Cannot use a pool after calling end on the pool',
])('what pg says without a code is known too: %s', (message) => {
  expect(toDatabaseError(new Error(message)).code).toBe('database_unavailable');
});

test('an error of our own stays what it is', () => {
  const error = new AppError('conflict');

  expect(toDatabaseError(error)).toBe(error);
});

test('what is thrown without being an error is internal', () => {
  expect(toDatabaseError(null).code).toBe('internal');
  expect(toDatabaseError('no').code).toBe('internal');
});
