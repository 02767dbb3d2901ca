import type { HandOver } from '@assistant/server/conversation/conversation-parts';
import type { TransferOutcome } from '@assistant/server/core/ports/call-transfer';
import { describe, expect, test } from 'vitest';
import { CallWorld } from '../fakes/call-world.ts';
import { says } from '../fakes/fake-brain.ts';

/** A line whose transfers end as the test says, when it says so. */
function line() {
  const wishes: { to: string; bookmark: unknown }[] = [];
  const settles: ((outcome: TransferOutcome) => void)[] = [];
  let signal = new AbortController().signal;
  const transfer: HandOver = (wish, given, note) => {
    wishes.push(wish);
    signal = given;
    note('transfer_dialling', { to: '***671' });
    return new Promise((resolve) => settles.push(resolve));
  };
  return {
    transfer,
    wishes,
    get isAborted() {
      return signal.aborted;
    },
    settle: (outcome: TransferOutcome) => settles.shift()?.(outcome),
  };
}

const BUSY: TransferOutcome = { type: 'failed', reason: 'busy', detail: '486' };
const AGENT = { type: 'transfer', to: '+14155552671', bookmark: { node: 'agent' } } as const;

/** Hands over at once; goes on with words of its own when that failed. */
function handsOver(over = line()) {
  const call = new CallWorld({
    answer: (input) => (input.type === 'transfer_failed' ? [says('Nobody is free.')] : [says('One moment.'), AGENT]),
    transfer: over.transfer,
  });
  return { call, over };
}

describe('a transfer', () => {
  test('follows once its announcement was heard', async () => {
    const { call, over } = handsOver();

    await call.pass(200);
    expect(over.wishes).toEqual([]);
    await call.pass(1_000);

    expect(over.wishes).toEqual([{ to: '+14155552671', bookmark: { node: 'agent' } }]);
    expect(call.heardWords()).toBe('One moment.');
    expect(call.endReason).toBeNull();
  });

  test('that connects ends the call as transferred, and is not taken back by that', async () => {
    const { call, over } = handsOver();
    await call.pass(1_400);

    over.settle({ type: 'connected' });
    await call.pass(100);

    expect(call.endReason).toBe('transferred');
    expect(over.isAborted).toBe(false);
    expect(call.eventTypes).toContain('transfer_dialling');
    expect(call.leftovers()).toEqual([]);
  });

  test('that fails is told by the brain, and the call goes on', async () => {
    const { call, over } = handsOver();
    await call.pass(1_400);

    over.settle(BUSY);
    await call.pass(2_000);

    expect(call.heardWords()).toBe('One moment. Nobody is free.');
    expect(call.brain.inputs.at(-1)).toEqual({ type: 'transfer_failed', reason: 'busy', bookmark: { node: 'agent' } });
    expect(call.endReason).toBeNull();
    call.say('a table');
    await call.pass(3_000);
    expect(call.brain.inputs.at(-1)).toEqual({ type: 'said', text: 'a table' });
  });

  test('on a line that cannot is told like one that failed', async () => {
    const call = new CallWorld({ answer: (_input, turn) => (turn === 0 ? [AGENT] : [says('Not now.')]) });

    await call.pass(1_000);

    expect(call.brain.inputs.at(-1)).toMatchObject({ type: 'transfer_failed', reason: 'unreachable' });
    expect(call.heardWords()).toBe('Not now.');
  });

  test('that breaks is told, too', async () => {
    const call = new CallWorld({
      answer: (_input, turn) => (turn === 0 ? [AGENT] : [says('Not now.')]),
      transfer: async () => {
        throw new Error('broken');
      },
    });

    await call.pass(1_000);

    expect(call.heardWords()).toBe('Not now.');
  });
});

describe('while it rings there', () => {
  test('a caller who hangs up takes it back', async () => {
    const { call, over } = handsOver();
    await call.pass(1_400);

    call.media.hangUp();
    await call.settle();
    expect(over.isAborted).toBe(true);
    over.settle({ type: 'failed', reason: 'cancelled', detail: 'hung up' });
    await call.settle();

    expect(call.endReason).toBe('caller_hung_up');
    expect(call.endings).toBe(1);
    expect(call.leftovers()).toEqual([]);
  });

  test('a media leg that the carrier took back is no hang-up: the call was transferred', async () => {
    const { call, over } = handsOver();
    await call.pass(1_400);

    call.media.hangUp();
    await call.settle();
    over.settle({ type: 'handed_over' });
    await call.settle();

    expect(call.endReason).toBe('transferred');
  });

  test('a call that is ended from outside takes it back', async () => {
    const { call, over } = handsOver();
    await call.pass(1_400);

    call.conversation.end('drained');
    await call.pass(100);

    expect(over.isAborted).toBe(true);
    expect(call.endReason).toBe('drained');
    over.settle({ type: 'connected' });
    await call.pass(100);
    expect(call.endings).toBe(1);
  });

  test('nothing is said, and idleness does not count', async () => {
    const { call } = handsOver();

    await call.pass(120_000);

    expect(call.heardWords()).toBe('One moment.');
    expect(call.endReason).toBeNull();
  });
});

test('a caller who is back hears about it instead of the greeting', async () => {
  const call = new CallWorld({
    answer: (input) => [says(input.type === 'transfer_failed' ? 'Nobody answered.' : 'Welcome.')],
    opening: { type: 'transfer_failed', reason: 'no_answer', bookmark: null },
  });

  await call.pass(2_000);

  expect(call.heardWords()).toBe('Nobody answered.');
});
