import { expect, test } from 'vitest';
import { FailureCounter } from './failure-counter.ts';

test('five failures refuse a source, twenty silence it, ten quiet minutes forgive it', () => {
  const counter = new FailureCounter();
  const patience = () => counter.patience('a', 1000);
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) counter.failed('a', 1000);
  };

  fail(4);
  expect(patience()).toBe('challenge');
  fail(1);
  expect(patience()).toBe('refuse');
  fail(15);
  expect(patience()).toBe('ignore');
  expect(counter.patience('b', 1000)).toBe('challenge');
  expect(counter.patience('a', 601_000)).toBe('challenge');
});

test('a success forgets the failures, and so does time: the count starts anew', () => {
  const counter = new FailureCounter();
  for (let i = 0; i < 5; i++) counter.failed('a', 0);
  counter.failed('a', 600_000);
  expect(counter.patience('a', 600_000)).toBe('challenge');

  for (let i = 0; i < 5; i++) counter.failed('a', 600_000);
  counter.succeeded('a');

  expect(counter.patience('a', 600_000)).toBe('challenge');
});

test('it holds ten thousand sources and forgets the oldest', () => {
  const counter = new FailureCounter();
  for (let i = 0; i < 5; i++) counter.failed('first', 0);

  for (let i = 0; i < 10_000; i++) counter.failed(`source ${i}`, 1);

  expect(counter.patience('first', 1)).toBe('challenge');
});
