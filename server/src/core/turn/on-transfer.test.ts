import { describe, expect, test } from 'vitest';
import { DEFAULT_TURN_SETTINGS } from '../assistant/assistant-settings.ts';
import type { ReplyId } from '../ids.ts';
import { step } from './turn.ts';
import type { TurnEffect } from './turn-effect.ts';
import type { TurnEvent } from './turn-event.ts';
import type { TurnState } from './turn-state.ts';
import { initialTurn } from './turn-state.ts';

type Body<Event> = Event extends unknown ? Omit<Event, 'atMs'> : never;

const BOOKMARK = { node: 'agent' };

/** A call whose assistant asks to hand the caller over, in everything it says. */
class HandingOver {
  state: TurnState = initialTurn({
    ...DEFAULT_TURN_SETTINGS,
    errorSentence: 'Sorry.',
    windowMs: 32,
    hasInterim: false,
    maxDurationGoodbye: 'Time is up.',
  });
  #replyId = 0;
  #atMs = 0;

  constructor() {
    this.on({ type: 'started' });
    this.replyHeard();
  }

  on(event: Body<TurnEvent>): readonly TurnEffect[] {
    const [next, effects] = step(this.state, { ...event, atMs: this.#atMs++ } as TurnEvent);
    this.state = next;
    return effects;
  }

  /** The present reply is said and heard. */
  replyHeard(): readonly TurnEffect[] {
    this.#replyId++;
    const replyId = this.#replyId as ReplyId;
    this.on({ type: 'reply_audible', replyId });
    const outcome = { type: 'transfer', to: '+14155552671', bookmark: BOOKMARK } as const;
    this.on({ type: 'reply_complete', replyId, outcome, remainingMs: 0 });
    return this.on({ type: 'reply_heard', replyId });
  }

  fails() {
    return this.on({ type: 'transfer_failed', reason: 'busy' });
  }
}

describe('a caller who is handed over', () => {
  test('is so once the announcement was heard, with what the brain wants back', () => {
    const call = new HandingOver();

    expect(call.state).toMatchObject({ name: 'transferring', mediaEnd: null, isOverdue: false });
    expect(new HandingOver().state.name).toBe('transferring');
  });

  test('does not interrupt by voice or keys', () => {
    const call = new HandingOver();

    expect(call.on({ type: 'digit', digit: '1' })).toEqual([]);
    expect(call.on({ type: 'voice_window', probability: 1, levelDb: -10, endMs: 1 })).toEqual([]);
    expect(call.state.name).toBe('transferring');
  });

  test('is the other side’s once that has them', () => {
    const call = new HandingOver();

    expect(call.on({ type: 'transferred' })).toEqual([{ type: 'end', reason: 'transferred' }]);
  });

  test('is told by the brain when nobody took the call', () => {
    const call = new HandingOver();

    const effects = call.fails();

    expect(effects).toMatchObject([
      { type: 'ask', input: { type: 'transfer_failed', reason: 'busy', bookmark: BOOKMARK } },
      { type: 'start_timer', name: 'progress' },
    ]);
    expect(call.state.name).toBe('thinking');
  });

  test('hears the error sentence when transfers fail again and again without a word of theirs', () => {
    const call = new HandingOver();
    for (let round = 0; round < 3; round++) {
      expect(call.fails()[0]).toMatchObject({ type: 'ask' });
      call.replyHeard();
    }

    expect(call.fails()).toContainEqual(expect.objectContaining({ type: 'say', text: 'Sorry.' }));
    expect(call.state).toMatchObject({ name: 'closing', reason: 'carrier_failed' });
  });

  test('who comes back after the longest time for a call hears its goodbye', () => {
    const call = new HandingOver();
    expect(call.on({ type: 'timer', name: 'max_duration' })).toEqual([]);

    call.fails();

    expect(call.state).toMatchObject({ name: 'closing', reason: 'max_duration' });
  });
});

describe('a media leg that ends while the caller is handed over', () => {
  test('says nothing yet: the outcome does', () => {
    const taken = new HandingOver();
    const left = new HandingOver();

    const effects = taken.on({ type: 'media_ended', reason: 'caller_hung_up' });
    left.on({ type: 'media_ended', reason: 'caller_hung_up' });

    expect(effects).toEqual([{ type: 'abort_transfer' }, { type: 'start_timer', name: 'transfer', delayMs: 15_000 }]);
    expect(taken.on({ type: 'transferred' })).toEqual([{ type: 'end', reason: 'transferred' }]);
    expect(left.fails()).toEqual([{ type: 'end', reason: 'caller_hung_up' }]);
  });

  test('ends the call as the caller’s hang-up when no outcome comes', () => {
    const call = new HandingOver();
    call.on({ type: 'media_ended', reason: 'media_lost' });

    expect(call.on({ type: 'timer', name: 'transfer' })).toEqual([{ type: 'end', reason: 'media_lost' }]);
  });

  test('ends any other call at once', () => {
    const call = new HandingOver();
    call.fails();

    expect(call.on({ type: 'media_ended', reason: 'caller_hung_up' })).toEqual([
      { type: 'end', reason: 'caller_hung_up' },
    ]);
  });
});

test('outcomes that come late change nothing', () => {
  const call = new HandingOver();
  call.fails();

  expect(call.on({ type: 'transferred' })).toEqual([]);
  expect(call.fails()).toEqual([]);
  expect(call.on({ type: 'timer', name: 'transfer' })).toEqual([]);
});

test('somebody outside ends a call that is being handed over at once', () => {
  expect(new HandingOver().on({ type: 'ended', reason: 'drained' })).toEqual([{ type: 'end', reason: 'drained' }]);
});

test('a call that came back begins with how the transfer failed', () => {
  const opening = { type: 'transfer_failed', reason: 'no_answer', bookmark: null } as const;
  const [, effects] = step(
    initialTurn({ ...DEFAULT_TURN_SETTINGS, errorSentence: 'Sorry.', windowMs: 32, hasInterim: false }),
    { type: 'started', opening, atMs: 0 },
  );

  expect(effects).toContainEqual({ type: 'ask', replyId: 1, input: opening, timing: null });
});
