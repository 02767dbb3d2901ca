import { expect, test } from 'vitest';
import { settle } from '../../test/fakes/fake-clock.ts';
import type { ClaimedContext } from '../core/call/call-context.ts';
import type { ContextId } from '../core/ids.ts';
import { HeldCalls } from './held-calls.ts';

const CALL = '11111111-2222-4333-8444-555555555555' as ContextId;
// Only its id is looked at here.
const context = { contextId: CALL } as ClaimedContext;

function world() {
  const told: unknown[] = [];
  const database = { isAway: false };
  const slots = { free: 1 };
  const held = new HeldCalls({
    liveCalls: {
      reserve: () => {
        slots.free--;
        return { [Symbol.dispose]: () => void slots.free++ };
      },
    },
    calls: {
      end: async (...call) => {
        if (database.isAway) throw new Error('away');
        told.push(['database', ...call]);
        return true;
      },
    },
    journal: { end: async (...call) => void told.push(['journal', ...call]) },
  });
  return { held, told, database, slots };
}

test('a call is handed over once, with its place', () => {
  const { held, slots } = world();
  held.hold(context, held.reserve());

  const taken = held.take(CALL);

  expect(taken?.context).toBe(context);
  expect(held.take(CALL)).toBeUndefined();
  expect(slots.free).toBe(0);
  taken?.slot[Symbol.dispose]();
  expect(slots.free).toBe(1);
});

test('one whose media never came ends as a call that nobody answered, and its place is free', async () => {
  const { held, told, slots } = world();
  held.hold(context, held.reserve());

  expect(await held.end(CALL, 'cancelled')).toBe(true);
  expect(await held.end(CALL, 'error')).toBe(false);

  expect(told).toEqual([['database', CALL, 'cancelled', { wasAnswered: false }]]);
  expect(slots.free).toBe(1);
});

test('while the database is away its end waits in the journal', async () => {
  const { held, told, database, slots } = world();
  held.hold(context, held.reserve());
  database.isAway = true;

  await held.end(CALL, 'rejected');
  await settle();

  expect(told).toEqual([['journal', CALL, 'rejected']]);
  expect(slots.free).toBe(1);
});
