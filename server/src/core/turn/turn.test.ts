import { describe, expect, test } from 'vitest';
import { DEFAULT_TURN_SETTINGS } from '../assistant/assistant-settings.ts';
import type { ReplyId, UtteranceId } from '../ids.ts';
import { step } from './turn.ts';
import type { TurnEffect } from './turn-effect.ts';
import type { TimerName, TurnEvent } from './turn-event.ts';
import type { TurnRules, TurnState } from './turn-state.ts';
import { initialTurn } from './turn-state.ts';

const RULES: TurnRules = { ...DEFAULT_TURN_SETTINGS, errorSentence: 'Sorry.', windowMs: 32, hasInterim: false };
const REPLY = 1 as ReplyId;
const UTTERANCE = 1 as UtteranceId;

type Body<Event> = Event extends unknown ? Omit<Event, 'atMs'> : never;

/** The machine alone, with a clock of its own. */
class Machine {
  state: TurnState;
  atMs = 0;

  constructor(rules: Partial<TurnRules> = {}) {
    this.state = initialTurn({ ...RULES, ...rules });
  }

  /** Steps one event; returns the effects. */
  on(event: Body<TurnEvent>): readonly TurnEffect[] {
    const [next, effects] = step(this.state, { ...event, atMs: this.atMs } as TurnEvent);
    this.state = next;
    return effects;
  }

  /** So many windows of 32 ms, voiced or not; returns all effects. */
  windows(count: number, probability: number, levelDb = -20): TurnEffect[] {
    return Array.from({ length: count }, () => {
      this.atMs += 32;
      return this.on({ type: 'voice_window', probability, levelDb, endMs: this.atMs });
    }).flat();
  }

  voice(count: number, levelDb?: number): TurnEffect[] {
    return this.windows(count, 0.9, levelDb);
  }

  silence(count: number): TurnEffect[] {
    return this.windows(count, 0.01, -70);
  }

  timer(name: TimerName): readonly TurnEffect[] {
    return this.on({ type: 'timer', name });
  }

  /** The greeting is on its way. */
  static speaking(rules: Partial<TurnRules> = {}): Machine {
    const machine = new Machine(rules);
    machine.on({ type: 'started' });
    machine.on({ type: 'reply_audible', replyId: REPLY });
    return machine;
  }

  /** The greeting was heard. */
  static listening(rules: Partial<TurnRules> = {}): Machine {
    const machine = Machine.speaking(rules);
    machine.complete();
    machine.on({ type: 'reply_heard', replyId: REPLY });
    return machine;
  }

  complete(replyId: ReplyId = REPLY): void {
    this.on({ type: 'reply_complete', replyId, outcome: { type: 'listen' }, remainingMs: 1_000 });
  }
}

const types = (effects: readonly TurnEffect[]) => effects.map((effect) => effect.type);

describe('stage one of a barge-in', () => {
  test('two voiced windows in a row pause playout first of all', () => {
    const machine = Machine.speaking();

    expect(machine.voice(1)).toEqual([]);
    expect(types(machine.voice(1))).toEqual(['pause_playout', 'begin_utterance', 'start_timer', 'note']);
    expect(machine.state.name).toBe('suspecting');
  });

  test('single voiced windows never do', () => {
    const machine = Machine.speaking();

    for (let turn = 0; turn < 5; turn++) expect([...machine.voice(1), ...machine.silence(1)]).toEqual([]);

    expect(machine.state.name).toBe('speaking');
  });

  test('the utterance begins with the pre-roll before the first voiced window', () => {
    const machine = Machine.speaking();
    machine.silence(10);

    expect(machine.voice(2)).toContainEqual({ type: 'begin_utterance', utteranceId: UTTERANCE, fromMs: 320 - 300 });
  });

  test('voice must be surer while the assistant is audible', () => {
    const machine = Machine.speaking();
    machine.windows(10, 0.6);
    expect(machine.state.name).toBe('speaking');

    const listening = Machine.listening();
    listening.windows(2, 0.6);
    expect(listening.state.name).toBe('hearing');
  });

  test('while one is being decided, more voice starts no second one', () => {
    const machine = Machine.speaking();
    machine.voice(2);

    expect(types(machine.voice(4))).not.toContain('pause_playout');
  });
});

describe('stage two', () => {
  test('350 ms of voice commit: the reply is cancelled and the caller goes on being heard', () => {
    const machine = Machine.speaking();
    machine.voice(10);
    expect(machine.state.name).toBe('suspecting');

    const effects = machine.voice(1);

    expect(types(effects)).toEqual([
      'cancel_timer',
      'cancel_timer',
      'cancel_timer',
      'cancel_reply',
      'note',
      'start_timer',
      'start_timer',
    ]);
    expect(machine.state.name).toBe('hearing');
  });

  test('as soon as 350 ms can no longer come together the assistant plays on', () => {
    const machine = Machine.speaking();
    machine.voice(3);

    machine.silence(6);
    expect(machine.state.name).toBe('suspecting');
    const effects = machine.silence(1);

    expect(types(effects)).toEqual(['cancel_timer', 'cancel_utterance', 'resume_playout', 'note']);
    expect(machine.state.name).toBe('speaking');
  });

  test('when no window comes any more the timer decides', () => {
    const machine = Machine.speaking();
    machine.voice(3);
    machine.atMs += 500;

    expect(types(machine.timer('barge_in_decision'))).toContain('resume_playout');
  });

  test('with interim words the voice alone does not commit before its time is up', () => {
    const machine = Machine.speaking({ hasInterim: true });

    machine.voice(13);
    expect(machine.state.name).toBe('suspecting');
    expect(types(machine.timer('barge_in_decision'))).toContain('cancel_reply');
  });

  test('what words committed is never dropped as a bump, however short', () => {
    const machine = Machine.speaking({ hasInterim: true });
    machine.voice(2);
    machine.on({ type: 'interim', utteranceId: UTTERANCE, text: 'no' });
    machine.atMs += 700;

    expect(types(machine.timer('end_of_turn'))).toContain('finish_utterance');
  });

  test('interim words of another utterance are no evidence', () => {
    const machine = Machine.speaking({ hasInterim: true });
    machine.voice(2);

    machine.on({ type: 'interim', utteranceId: 9 as UtteranceId, text: 'stop' });

    expect(machine.state.name).toBe('suspecting');
  });

  test('a reply that was heard to its end meanwhile is followed by what it said', () => {
    const machine = Machine.speaking();
    machine.on({
      type: 'reply_complete',
      replyId: REPLY,
      outcome: { type: 'end', reason: 'assistant_hung_up' },
      remainingMs: 100,
    });
    machine.voice(2);
    machine.on({ type: 'reply_heard', replyId: REPLY });
    expect(machine.state.name).toBe('suspecting');

    const effects = machine.silence(20);

    expect(effects).toContainEqual({ type: 'end', reason: 'assistant_hung_up' });
  });

  test('a question that was heard to its end meanwhile cannot be interrupted any more: the voice is its answer', () => {
    const machine = Machine.speaking();
    machine.complete();
    machine.voice(2);

    const effects = machine.on({ type: 'reply_heard', replyId: REPLY });

    expect(types(effects)).not.toContain('cancel_utterance');
    expect(types(effects)).toContain('settle_reply');
    expect(types(effects)).toContain('resume_playout');
    expect(machine.state).toMatchObject({ name: 'hearing', utterance: { id: UTTERANCE }, unanswered: null });
  });

  test('after playing on, the far side has as much longer to confirm as it was paused and moved back', () => {
    const machine = Machine.speaking();
    machine.complete();
    machine.voice(3);
    machine.atMs += 300;

    const effects = machine.timer('barge_in_decision');

    // 1000 ms were left and 2000 allowed at 0; paused from 64 to 396, and up to 400 played again: due at 3732.
    expect(effects).toContainEqual({ type: 'start_timer', name: 'confirmation', delayMs: 3_732 - 396 });
  });
});

describe('the end of the caller’s turn', () => {
  test('is measured from the last voiced window, not from the timer', () => {
    const machine = Machine.listening();
    machine.voice(10);
    const lastVoicedMs = machine.atMs;
    machine.atMs = lastVoicedMs + 200;

    expect(machine.timer('end_of_turn')).toEqual([{ type: 'start_timer', name: 'end_of_turn', delayMs: 400 }]);
    machine.atMs = lastVoicedMs + 600;
    expect(machine.timer('end_of_turn')).toContainEqual({
      type: 'finish_utterance',
      utteranceId: UTTERANCE,
      speechEndedMs: lastVoicedMs,
    });
  });

  test('the question carries when the speech ended, was judged to, and was understood', () => {
    const machine = Machine.listening();
    machine.voice(10);
    const speechEndedMs = machine.atMs;
    machine.atMs += 600;
    machine.timer('end_of_turn');
    machine.atMs += 150;

    const effects = machine.on({ type: 'recognised', utteranceId: UTTERANCE, text: ' a table ' });

    expect(effects).toContainEqual({
      type: 'ask',
      replyId: 2,
      input: { type: 'said', text: 'a table' },
      timing: { speechEndedMs, endpointMs: speechEndedMs + 600, recognisedMs: speechEndedMs + 750 },
    });
  });
});

describe('late and strange events', () => {
  test('events of another reply change nothing', () => {
    const machine = Machine.speaking();
    const before = machine.state;

    for (const type of ['reply_audible', 'reply_progress', 'reply_heard', 'reply_failed'] as const) {
      expect(machine.on({ type, replyId: 7 as ReplyId, part: 'voice' })).toEqual([]);
    }

    expect(machine.state).toBe(before);
  });

  test.each<TimerName>(['idle', 'digits', 'end_of_turn', 'max_utterance', 'recognition', 'barge_in_decision'])(
    'the timer %s of another state changes nothing',
    (name) => {
      const machine = Machine.speaking();
      const before = machine.state;

      expect(machine.timer(name)).toEqual([]);
      expect(machine.state).toBe(before);
    },
  );

  test('after the end nothing has an effect', () => {
    const machine = Machine.speaking();
    expect(types(machine.on({ type: 'ended', reason: 'caller_hung_up' }))).toEqual(['end']);

    expect(machine.on({ type: 'ended', reason: 'error' })).toEqual([]);
    expect(machine.voice(5)).toEqual([]);
    expect(machine.on({ type: 'digit', digit: '1' })).toEqual([]);
    expect(machine.timer('max_duration')).toEqual([]);
    expect(machine.state).toMatchObject({ name: 'ended', reason: 'caller_hung_up' });
  });

  test('silence in a quiet state makes no new state', () => {
    const machine = Machine.listening();
    const before = machine.state;

    machine.silence(100);

    expect(machine.state).toBe(before);
  });
});

describe('levels', () => {
  test('what stopped when we did is taken for our echo: the same level interrupts no more, a louder voice does', () => {
    const machine = Machine.speaking();
    machine.voice(3, -50);
    machine.silence(9);
    expect(machine.state.name).toBe('speaking');

    machine.voice(5, -46);
    expect(machine.state.name).toBe('speaking');
    machine.voice(2, -40);
    expect(machine.state.name).toBe('suspecting');
  });

  test('a loud cough does not make the caller inaudible', () => {
    const machine = Machine.speaking();
    machine.voice(3, -10);
    machine.silence(9);

    machine.voice(2, -28);

    expect(machine.state.name).toBe('suspecting');
  });

  test('a soft caller lowers what counts as echo', () => {
    const machine = Machine.listening();
    machine.voice(20, -44);
    machine.atMs += 600;
    machine.timer('end_of_turn');
    machine.on({ type: 'recognised', utteranceId: UTTERANCE, text: 'hello' });
    machine.on({ type: 'reply_audible', replyId: 2 as ReplyId });
    machine.voice(3, -38);
    machine.silence(9);

    machine.voice(2, -44);

    expect(machine.state.name).toBe('suspecting');
  });
});

describe('keys', () => {
  test('the first key in any state stops all that goes on there', () => {
    const machine = Machine.speaking();
    machine.voice(2);

    const effects = machine.on({ type: 'digit', digit: '5' });

    expect(types(effects)).toEqual([
      'cancel_timer',
      'cancel_utterance',
      'cancel_timer',
      'cancel_timer',
      'cancel_reply',
      'start_timer',
    ]);
    expect(machine.state).toMatchObject({ name: 'keying', digits: '5' });
  });

  test('a key while the recogniser works: its text is not waited for and not taken', () => {
    const machine = Machine.listening();
    machine.voice(10);
    machine.atMs += 600;
    machine.timer('end_of_turn');

    expect(types(machine.on({ type: 'digit', digit: '5' }))).toEqual([
      'cancel_timer',
      'cancel_utterance',
      'start_timer',
    ]);
    expect(machine.on({ type: 'recognised', utteranceId: UTTERANCE, text: 'late' })).toEqual([]);
  });

  test('last words are not interrupted by keys or voice', () => {
    const machine = Machine.speaking();
    machine.timer('max_duration');

    expect([...machine.on({ type: 'digit', digit: '5' }), ...machine.voice(20)]).toEqual([]);
    expect(machine.state.name).toBe('closing');
  });
});
