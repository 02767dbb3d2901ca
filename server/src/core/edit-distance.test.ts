import { expect, test } from 'vitest';
import { editDistance } from './edit-distance.ts';

test.each([
  ['', '', 0],
  ['12#', '12#', 0],
  ['12#', '1#', 1],
  ['1#', '12#', 1],
  ['12#', '13#', 1],
  ['', '123', 3],
  ['kitten', 'sitting', 3],
])('from %j to %j: %i', (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance);
});

test('a letter that was left out may count for less', () => {
  expect(editDistance('USER', 'AUTHUSER', 0.5)).toBe(2);
  expect(editDistance('AUTHUSER', 'USER', 0.5)).toBe(4);
});
