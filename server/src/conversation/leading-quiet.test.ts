import { expect, test } from 'vitest';
import { LeadingQuiet } from './leading-quiet.ts';

const MS = 8;
const quiet = (ms: number) => new Int16Array(ms * MS).fill(20);
const loud = (ms: number) => new Int16Array(ms * MS).fill(2_000);
const lengthsOf = (trimmer: LeadingQuiet, pieces: readonly Int16Array[]) =>
  pieces.map((piece) => trimmer.push(piece).length / MS);

test('of 200 ms of quiet before the first sound 40 are kept', () => {
  const trimmer = new LeadingQuiet(8_000);

  const out = trimmer.push(Int16Array.from([...quiet(200), ...loud(300), ...quiet(100)]));

  expect(out.length).toBe(440 * MS);
  expect(out[40 * MS - 1]).toBe(20);
  expect(out[40 * MS]).toBe(2_000);
  expect(trimmer.dropped).toBe(160 * MS);
});

test('over several pieces: the 40 ms before the first sound come with it', () => {
  const trimmer = new LeadingQuiet(8_000);

  expect(lengthsOf(trimmer, [quiet(20), quiet(20), quiet(100), loud(20), quiet(300)])).toEqual([0, 0, 0, 60, 300]);
  expect(trimmer.dropped).toBe(100 * MS);
});

test('speech that begins at once is not touched, nor copied', () => {
  const trimmer = new LeadingQuiet(8_000);
  const piece = loud(20);

  expect(trimmer.push(piece)).toBe(piece);
  expect(trimmer.dropped).toBe(0);
});

test('a long pause is meant: 500 ms of it go, the rest is played', () => {
  const trimmer = new LeadingQuiet(8_000);

  expect(lengthsOf(trimmer, [quiet(400), quiet(400), quiet(400)])).toEqual([0, 300, 400]);
});

test('a voice that says nothing leaves what was held', () => {
  const trimmer = new LeadingQuiet(8_000);
  trimmer.push(quiet(100));

  expect(trimmer.flush().length).toBe(40 * MS);
  expect(trimmer.push(quiet(10)).length).toBe(10 * MS);
});
