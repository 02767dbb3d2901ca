import { describe, expect, test } from 'vitest';
import { TurnKeeper } from './turn-keeper.ts';

/** Wants so many turns, a millisecond apart, then none. */
class Turns {
  readonly lateMs: number[] = [];
  size: number;
  onEnd = () => {};
  #left: number;
  #dueMs = 0;

  constructor(size: number, turns: number) {
    this.size = size;
    this.#left = turns;
  }

  advanceTo(nowMs: number): void {
    if (this.#dueMs > nowMs) return;
    this.lateMs.push(nowMs - this.#dueMs);
    this.#dueMs = nowMs + 1;
    this.#left--;
    if (this.#left === 0) this.onEnd();
  }

  nextDueMs(): number | null {
    return this.#left > 0 ? this.#dueMs : null;
  }
}

describe.each([
  ['a few members, by a timer', 3],
  ['a crowd, by sleep', 500],
])('%s', (_what, size) => {
  test('every turn is taken, none early, and none is waited for after the last', async () => {
    const turns = new Turns(size, 50);
    const keeper = new TurnKeeper(turns);
    const ended = new Promise<void>((resolve) => {
      turns.onEnd = resolve;
    });

    keeper.within(0);
    await ended;
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(turns.lateMs).toHaveLength(50);
    expect(Math.min(...turns.lateMs)).toBeGreaterThanOrEqual(0);
  });

  test('the event loop goes on meanwhile: its own timers run before the turns are over', async () => {
    const turns = new Turns(size, 200);
    const keeper = new TurnKeeper(turns);
    const order: string[] = [];
    const ended = new Promise<void>((resolve) => {
      turns.onEnd = () => {
        order.push('turns over');
        resolve();
      };
    });

    keeper.within(0);
    setTimeout(() => order.push('timer'), 1);
    await ended;

    expect(order).toEqual(['timer', 'turns over']);
  });

  test('after a rest, a turn that is asked for is taken', async () => {
    const first = new Turns(size, 1);
    const keeper = new TurnKeeper(first);
    await over(first, () => keeper.within(0));
    const second = new Turns(size, 1);
    first.nextDueMs = () => second.nextDueMs();
    first.advanceTo = (nowMs) => second.advanceTo(nowMs);

    await over(second, () => keeper.within(1));

    expect(second.lateMs).toHaveLength(1);
  });
});

function over(turns: Turns, begin: () => void): Promise<void> {
  return new Promise((resolve) => {
    turns.onEnd = resolve;
    begin();
  });
}
