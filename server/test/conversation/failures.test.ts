import { describe, expect, test } from 'vitest';
import { CallWorld } from '../fakes/call-world.ts';
import { says, waits } from '../fakes/fake-brain.ts';

const LONG = 'one two three four five six seven eight nine ten.';

describe('a part fails', () => {
  test('the brain: the caller is told, then the call ends', async () => {
    const call = new CallWorld({ answer: (_input, turn) => (turn === 0 ? [says('Hello.')] : [{ type: 'fail' }]) });
    await call.pass(1_000);

    call.say('a table');
    await call.pass(4_000);

    expect(call.heardWords()).toBe('Hello. Sorry that failed');
    expect(call.endReason).toBe('provider_failed');
    expect(call.log.events).toContain('conversation.part_failed');
    expect(call.leftovers()).toEqual([]);
  });

  test('the brain never answers: the call does not hang for ever', async () => {
    const call = new CallWorld({ answer: (_input, turn) => (turn === 0 ? [says('Hello.')] : [{ type: 'hang' }]) });
    await call.pass(1_000);

    call.say('a table');
    await call.pass(14_000);
    expect(call.endReason).toBeNull();
    await call.pass(6_000);

    expect(call.heardWords()).toBe('Hello. Sorry that failed');
    expect(call.endReason).toBe('provider_failed');
    expect(call.leftovers()).toEqual([]);
  });

  test('the voice, in the middle of a call: the last words come from those made before', async () => {
    const call = new CallWorld({ answer: (_input, turn) => [says(turn === 0 ? 'Hello.' : 'A new sentence.')] });
    await call.pass(3_000);
    call.textToSpeech.failsOn = () => true;

    call.say('a table');
    await call.pass(4_000);

    expect(call.heardWords()).toBe('Hello. Sorry that failed');
    expect(call.endReason).toBe('provider_failed');
  });

  test('the voice, once: the sentence is asked for again and the caller notices nothing', async () => {
    let failures = 1;
    const call = new CallWorld({
      answer: () => [says('Hello.')],
      textToSpeech: { failsOn: () => failures-- > 0 },
    });

    await call.pass(1_000);

    expect(call.heardWords()).toBe('Hello.');
    expect(call.endReason).toBeNull();
  });

  test('the voice, from the start: the call ends at once', async () => {
    const call = new CallWorld({ answer: () => [says('Hello.')], textToSpeech: { failsOn: () => true } });

    await call.pass(500);

    expect(call.endReason).toBe('provider_failed');
    // The record once blamed the brain for every reply it had asked for.
    expect(call.events).toContainEqual(expect.objectContaining({ type: 'part_failed', data: { part: 'voice' } }));
    expect(call.leftovers()).toEqual([]);
  });

  test('the recogniser, once: the caller is asked again; three times: the call ends', async () => {
    const call = new CallWorld({
      answer: (input) => [says(input.type === 'not_understood' ? 'Again?' : 'Hello.')],
      speechToText: { troubles: ['fails', 'fails', 'fails'] },
    });
    await call.pass(1_000);

    for (let turn = 0; turn < 3; turn++) {
      call.say('a table');
      await call.pass(3_000);
    }

    expect(call.heardWords()).toBe('Hello. Again? Again? Sorry that failed');
    expect(call.endReason).toBe('provider_failed');
  });

  test('the recogniser never answers: after its time the caller is asked again', async () => {
    const call = new CallWorld({
      answer: (input) => [says(input.type === 'not_understood' ? 'Again?' : 'Hello.')],
      speechToText: { troubles: ['silent'] },
    });
    await call.pass(1_000);

    call.say('a table');
    await call.pass(10_500);

    expect(call.heardWords()).toBe('Hello. Again?');
    expect(call.eventTypes).toContain('recognition_timed_out');
  });

  test('a fault of our own ends this call and nothing else', async () => {
    const call = new CallWorld({
      brain: () => ({
        name: 'broken',
        open: () => ({
          respond: () => {
            throw new TypeError('bug');
          },
          heard: () => {
            throw new TypeError('bug');
          },
          close: () => {},
        }),
      }),
    });

    await call.pass(500);

    expect(call.endReason).not.toBeNull();
    expect(call.media.isClosed).toBe(true);
    expect(call.clock.pendingTimers).toBe(0);
  });
});

describe('the end', () => {
  test('the goodbye is heard to its last sample before the line is closed', async () => {
    const call = new CallWorld({ answer: () => [says(LONG), { type: 'hang_up' }], media: { latencyMs: 100 } });

    await call.pass(1_700);
    expect(call.media.isClosed).toBe(false);
    await call.pass(1_000);

    expect(call.heardWords()).toBe(LONG);
    expect(call.endReason).toBe('assistant_hung_up');
  });

  test('a far side that stops confirming is waited for two seconds beyond the length of the goodbye', async () => {
    const call = new CallWorld({ answer: () => [says(LONG), { type: 'hang_up' }] });
    call.media.isSilentAboutPlayout = true;

    await call.pass(3_500);
    expect(call.endReason).toBeNull();
    await call.pass(1_000);

    expect(call.endReason).toBe('assistant_hung_up');
    expect(call.eventTypes).toContain('playout_unconfirmed');
    expect(call.brain.heard[0]?.text).toBe('');
  });

  test('a caller who interrupts the goodbye keeps the line', async () => {
    const call = new CallWorld({
      answer: (_input, turn) => (turn === 0 ? [says(LONG), { type: 'hang_up' }] : [says('Of course.')]),
    });
    await call.pass(700);

    call.say('wait one more thing');
    await call.pass(4_000);

    expect(call.endReason).toBeNull();
    expect(call.heardWords()).toContain('Of course.');
  });

  test.each([
    ['before the greeting', 20, [waits(500), says('Hello.')]],
    ['while the assistant speaks', 500, [says(LONG)]],
    ['while nobody speaks', 2_500, [says('Hello.')]],
    ['while the last words are said', 1_200, [says('Hello.'), { type: 'fail' as const }]],
  ] as const)('the caller hangs up %s: one end, nothing left open', async (_when, atMs, deeds) => {
    const call = new CallWorld({ answer: () => deeds });
    await call.pass(atMs);

    call.media.hangUp();
    await call.settle();
    await call.pass(2_000);

    expect(call.endReason).toMatch(/caller_hung_up|provider_failed/);
    expect(call.endings).toBe(1);
    expect(call.leftovers()).toEqual([]);
    expect(call.eventTypes.filter((type) => type === 'ended')).toHaveLength(1);
  });

  test.each([
    ['while the caller speaks', 300],
    ['while the recogniser works', 1_250],
    ['while the brain thinks', 1_500],
    ['while a barge-in is decided', 2_700],
  ])('the caller hangs up %s: one end, nothing left open', async (_when, atMs) => {
    const call = new CallWorld({
      answer: (_input, turn) => (turn === 0 ? [] : [waits(400), says(LONG)]),
    });
    await call.pass(200);
    call.say('a table');
    call.media.say(new Int16Array(1_760 * 8));
    call.say('wait');
    await call.pass(atMs);

    call.media.hangUp();
    await call.pass(3_000);

    expect(call.endReason).toBe('caller_hung_up');
    expect(call.endings).toBe(1);
    expect(call.leftovers()).toEqual([]);
  });

  test('whoever asks for the end again gets the first reason', async () => {
    const call = new CallWorld({ answer: () => [says(LONG)] });
    await call.pass(300);

    call.conversation.end('drained');
    call.conversation.end('error');
    call.media.hangUp();
    await call.pass(100);

    expect(call.endReason).toBe('drained');
    expect(call.turns.at(-1)).toMatchObject({ role: 'assistant', wasInterrupted: true });
    expect(call.leftovers()).toEqual([]);
  });

  test('a broken line and a dead worker have reasons of their own', async () => {
    const lost = new CallWorld({ answer: () => [says(LONG)] });
    const dead = new CallWorld({ answer: () => [says(LONG)] });
    await lost.pass(300);

    lost.media.breakOff();
    dead.media.breakOff({ type: 'failed', detail: 'worker died' });
    await lost.settle();

    expect(lost.endReason).toBe('media_lost');
    expect(dead.endReason).toBe('media_failed');
  });
});
