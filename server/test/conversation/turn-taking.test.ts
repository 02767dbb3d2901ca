import { describe, expect, test } from 'vitest';
import { CallWorld } from '../fakes/call-world.ts';
import { says, waits } from '../fakes/fake-brain.ts';

const echoing = {
  answer: (input: { type: string; text?: string; digits?: string }) =>
    input.type === 'started' ? [] : [says(`Got ${input.text ?? input.digits ?? input.type}.`)],
};

describe('listening', () => {
  test('the first syllable is there although the voice was noticed after it', async () => {
    const call = new CallWorld(echoing);
    await call.pass(1_000);

    call.say('yes');
    await call.pass(3_000);

    expect(call.brain.inputs[1]).toEqual({ type: 'said', text: 'yes' });
  });

  test('a pause shorter than the end of turn does not end it', async () => {
    const call = new CallWorld(echoing);
    await call.pass(500);

    call.say('I would like');
    await call.pass(840 + 400);
    call.say('a table');
    await call.pass(4_000);

    expect(call.brain.inputs[1]).toEqual({ type: 'said', text: 'I would like a table' });
    expect(call.brain.inputs).toHaveLength(2);
  });

  test('a phone that sends nothing in silence ends the turn on the clock', async () => {
    const call = new CallWorld(echoing);
    call.media.isDtx = true;
    await call.pass(500);

    call.say('a table');
    await call.pass(560 + 600 + 100 + 60);

    expect(call.brain.inputs[1]).toEqual({ type: 'said', text: 'a table' });
  });

  test('the caller goes on while the recogniser works: both parts are one question', async () => {
    const call = new CallWorld({ ...echoing, speechToText: { finalAfterMs: 900 } });
    await call.pass(500);

    call.say('book a table');
    await call.pass(840 + 700);
    call.say('for two');
    await call.pass(4_000);

    expect(call.brain.inputs[1]).toEqual({ type: 'said', text: 'book a table for two' });
    expect(call.brain.inputs).toHaveLength(2);
  });

  test('a click is no utterance: the brain is not asked, and idle time goes on', async () => {
    const call = new CallWorld({ ...echoing, turn: { idleAskMs: 3_000 } });
    await call.pass(2_000);

    call.cough(70);
    await call.pass(1_500);

    expect(call.brain.inputs).toEqual([{ type: 'started' }]);
    expect(call.heardWords()).toContain('Are you');
  });

  test('an endless utterance is cut and recognised', async () => {
    const call = new CallWorld({ ...echoing, turn: { maxUtteranceMs: 2_000 } });
    await call.pass(500);

    call.say('one two three four five six seven eight nine ten eleven twelve');
    await call.pass(8_000);

    expect(call.brain.inputs[1]?.type).toBe('said');
    expect(call.turns[0]?.text).toMatch(/^one two three four five six/);
    expect(call.turns[0]?.text).not.toContain('twelve');
  });

  test('noise without words: the brain is told that nothing was understood', async () => {
    const call = new CallWorld(echoing);
    await call.pass(500);

    call.cough(400);
    await call.pass(2_000);

    expect(call.brain.inputs[1]).toEqual({ type: 'not_understood' });
  });
});

describe('keys', () => {
  const answer = (maxDigits: number) => (input: { type: string }) =>
    input.type === 'started' ? [says('Number?'), { type: 'expect' as const, phrases: [], maxDigits }] : [];

  test('a pause ends the digits', async () => {
    const call = new CallWorld({ answer: answer(0) });
    await call.pass(1_000);

    call.media.press('12');
    await call.pass(2_000);
    call.media.press('3');
    await call.pass(2_400);
    expect(call.brain.inputs).toHaveLength(1);
    await call.pass(200);

    expect(call.brain.inputs[1]).toEqual({ type: 'digits', digits: '123' });
    expect(call.turns.at(-1)).toMatchObject({ role: 'caller', source: 'digits', text: '123' });
  });

  test('the # ends them at once and is not one of them', async () => {
    const call = new CallWorld({ answer: answer(0) });
    await call.pass(1_000);

    call.media.press('12#');
    await call.settle();

    expect(call.brain.inputs[1]).toEqual({ type: 'digits', digits: '12' });
  });

  test('as many as were asked for end them at once, and a # behind them is not taken for an answer', async () => {
    const call = new CallWorld({ answer: answer(1) });
    await call.pass(1_000);

    call.media.press('1');
    await call.settle();
    expect(call.brain.inputs[1]).toEqual({ type: 'digits', digits: '1' });

    call.media.press('#');
    await call.pass(3_000);
    expect(call.brain.inputs).toHaveLength(2);
  });

  test('a key into the middle of a long question is taken at once', async () => {
    const question = 'Would you like billing, support, or opening hours, or would you rather hear all of it once more?';
    const answer = (input: { type: string }) =>
      input.type === 'started'
        ? [
            says('Hello, dear caller. '),
            waits(400),
            says(question),
            says(question),
            { type: 'expect' as const, phrases: [], maxDigits: 1 },
          ]
        : [];
    const call = new CallWorld({ answer });
    await call.pass(1_500);

    call.media.press('1');
    await call.pass(100);

    expect(call.brain.inputs[1]).toEqual({ type: 'digits', digits: '1' });
  });

  test('a lone # is a key', async () => {
    const call = new CallWorld({ answer: answer(0) });
    await call.pass(1_000);

    call.media.press('#');
    await call.settle();

    expect(call.brain.inputs[1]).toEqual({ type: 'digits', digits: '#' });
  });

  test('keys while the caller speaks supersede the words', async () => {
    const call = new CallWorld({ answer: answer(0), turn: { digitTimeoutMs: 300 } });
    await call.pass(1_000);

    call.say('my number is');
    await call.pass(500);
    call.media.press('7');
    await call.pass(3_000);

    expect(call.brain.inputs[1]).toEqual({ type: 'digits', digits: '7' });
  });
});

describe('silence', () => {
  test('asks once, says goodbye, and hangs up after the goodbye was heard', async () => {
    const call = new CallWorld({ answer: () => [says('Hello.')] });

    await call.pass(29_500);
    expect(call.heardWords()).toBe('Hello.');
    await call.pass(2_500);
    expect(call.heardWords()).toBe('Hello. Are you still there?');
    await call.pass(29_000);
    expect(call.endReason).toBeNull();
    await call.pass(6_000);

    expect(call.heardWords()).toMatch(/hang up now\. Goodbye\.$/);
    expect(call.endReason).toBe('idle');
    expect(call.leftovers()).toEqual([]);
  });

  test('a caller who speaks after the question is not hung up on', async () => {
    const call = new CallWorld({ answer: () => [says('Hello.')] });
    await call.pass(33_000);

    call.say('yes I am here');
    await call.pass(30_000);

    expect(call.endReason).toBeNull();
    expect(call.brain.inputs[1]).toEqual({ type: 'said', text: 'yes I am here' });
  });

  test('on hold nobody is asked and nobody is hung up on', async () => {
    const call = new CallWorld({ answer: () => [says('Hello.')] });
    await call.pass(2_000);
    call.media.hold(true);

    await call.pass(120_000);

    expect(call.heardWords()).toBe('Hello.');
    expect(call.endReason).toBeNull();
  });

  test('the longest call ends with a spoken goodbye', async () => {
    const call = new CallWorld({
      answer: () => [says('one two three four five six seven eight nine ten.')],
      turn: { maxDurationMs: 1_000, maxDurationGoodbye: 'Time is up.' },
    });

    await call.pass(3_000);

    expect(call.heardWords()).toMatch(/ Time is up\.$/);
    expect(call.heardWords()).not.toContain('eight');
    expect(call.endReason).toBe('max_duration');
  });
});
