import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../../test/fakes/fake-clock.ts';
import { EchoWatch } from './echo-watch.ts';

function watchOf() {
  const clock = new FakeClock();
  const told: [id: string, atMs: number][] = [];
  const watch = new EchoWatch({
    clock,
    marginMs: 50,
    lastMarginMs: 500,
    overdue: (id) => void told.push([id, clock.nowMs()]),
  });
  return { clock, told, watch };
}

describe('echoes that are expected', () => {
  test('a mark is overdue its margin after its audio should have been played, and again after each margin', () => {
    const { clock, told, watch } = watchOf();

    watch.sent(100);
    watch.mark('a');
    watch.sent(100);
    watch.mark('b');
    clock.advance(260);

    expect(told).toEqual([
      ['a', 150],
      ['a', 200],
      ['a', 250],
    ]);
  });

  test('the newest mark is given more time', () => {
    const { clock, told, watch } = watchOf();

    watch.sent(100);
    watch.mark('a');
    clock.advance(600);

    expect(told).toEqual([['a', 600]]);
  });

  test('an echo ends the waiting for it and for all before it', () => {
    const { clock, told, watch } = watchOf();
    watch.sent(100);
    watch.mark('a');
    watch.mark('b');

    watch.echoed('b');
    clock.advance(10_000);

    expect(told).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('time does not run while the other side is held', () => {
    const { clock, told, watch } = watchOf();
    watch.sent(100);
    watch.mark('a');
    watch.mark('b');
    clock.advance(60);

    watch.hold();
    clock.advance(1_000);
    watch.goOn();
    clock.advance(89);
    const before = told.length;
    clock.advance(1);

    expect(before).toBe(0);
    expect(told).toEqual([['a', 1_150]]);
  });

  test('after a clear nothing is expected, and what follows starts at once where the other side was emptied', () => {
    const { clock, told, watch } = watchOf();
    watch.sent(1_000);
    watch.mark('a');

    watch.forget(false);
    const kept = watch.leftMs;
    watch.forget(true);
    clock.advance(5_000);

    expect([kept, watch.leftMs]).toEqual([1_000, 0]);
    expect(told).toEqual([]);
  });
});
