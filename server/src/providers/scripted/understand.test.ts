import { describe, expect, test } from 'vitest';
import { choose, digitsOf, NO, YES } from './understand.ts';

const said = (text: string) => ({ type: 'said', text }) as const;
const keyed = (digits: string) => ({ type: 'digits', digits }) as const;

describe('choosing', () => {
  const answers = [
    { value: 'billing', phrases: ['billing', 'the bill'], digits: '1' },
    { value: 'hours', phrases: ['opening hours'], digits: '2' },
    { value: 'open', phrases: ['opening'], digits: '3' },
  ];

  test.each([
    [said('billing'), 'billing'],
    [said("I'd like Billing, please."), 'billing'],
    [said('a question about the bill'), 'billing'],
    [said('opening hours'), 'hours'],
    [said('opening'), 'open'],
    [keyed('2'), 'hours'],
    [keyed('9'), null],
    [said('the billings'), null],
    [said('billing or the bill'), 'billing'],
    [{ type: 'not_understood' } as const, null],
  ])('%j', (input, value) => {
    expect(choose(input, answers)?.value ?? null).toBe(value);
  });

  test('two answers of the same weight are none', () => {
    expect(
      choose(said('yes no'), [
        { ...YES, phrases: ['yes'] },
        { ...NO, phrases: ['not'] },
      ])?.value,
    ).toBe('yes');
    const even = [
      { value: 'a', phrases: ['red'], digits: '1' },
      { value: 'b', phrases: ['tan'], digits: '2' },
    ];
    expect(choose(said('red or tan'), even)).toBeNull();
  });
});

test.each([
  [keyed('0042'), '0042'],
  [keyed('12*'), null],
  [said('one two three'), '123'],
  [said('oh four, 2'), '042'],
  [said('my number is one'), null],
])('digits of %j', (input, digits) => {
  expect(digitsOf(input)).toBe(digits);
});
