import { expect, test } from 'vitest';
import { PolledTurns } from './polled-turns.ts';

function world({ isPolled, dueInMs }: { isPolled: boolean; dueInMs: number | null }) {
  const order: string[] = [];
  const taker = {
    size: 3,
    advanceTo: () => order.push('turn'),
    nextDueMs: () => (dueInMs === null ? null : performance.now() + dueInMs),
  };
  const udp = {
    kind: 'native' as const,
    isPolled,
    bindPair: async () => '',
    read: () => order.push('read'),
    [Symbol.dispose]: () => {},
  };
  return { turns: new PolledTurns(taker, udp), order };
}

test('what has come is read before the turn is taken', () => {
  const { turns, order } = world({ isPolled: true, dueInMs: 5 });

  turns.advanceTo(0);

  expect(order).toEqual(['read', 'turn']);
  expect(turns.size).toBe(3);
});

test('nothing is read where the event loop tells of packets, and no turn is added', () => {
  const { turns, order } = world({ isPolled: false, dueInMs: null });

  turns.advanceTo(0);

  expect(order).toEqual(['turn']);
  expect(turns.nextDueMs()).toBeNull();
});

test.each([null, 60_000])('while sockets are open, the next turn (%j) is not what is waited for', (dueInMs) => {
  const { turns } = world({ isPolled: true, dueInMs });

  expect(turns.nextDueMs()).toBeLessThanOrEqual(performance.now() + 2);
});
