import { describe, expect, test } from 'vitest';
import { seededRandom } from '../seeded-random.ts';
import { levelDbfs } from './level.ts';
import { click, cough, grunt, keypadTone } from './noises.ts';

describe('noises of a caller', () => {
  test.each([
    ['cough', cough, -22],
    ['click', click, -28],
    ['keypad tone', keypadTone, -16],
    ['grunt', grunt, -22],
  ])('a %s has its level, and the same seed gives the same one', (_name, make, dbfs) => {
    const noise = make(seededRandom(1));

    expect(levelDbfs(noise)).toBeCloseTo(dbfs, 0);
    expect(make(seededRandom(1))).toEqual(noise);
  });

  test('a grunt lasts 200 ms', () => {
    expect(grunt(seededRandom(3)).length).toBe(1_600);
  });
});
