import { describe, expect, test } from 'vitest';
import { CallWorld } from '../fakes/call-world.ts';
import { says } from '../fakes/fake-brain.ts';

/** Ten words of 160 ms. */
const LONG = 'one two three four five six seven eight nine ten.';

function talking(options: ConstructorParameters<typeof CallWorld>[0] = {}): CallWorld {
  return new CallWorld({ answer: (_input, turn) => (turn === 0 ? [says(LONG)] : [says('Very well.')]), ...options });
}

describe.each([
  ['a wire that we pace', {}],
  ['a carrier that buffers', { latencyMs: 60 }],
] as const)('barge-in on %s', (_name, media) => {
  test('the caller barges in: the reply stops, the brain learns what was heard, the caller is answered', async () => {
    const call = talking({ media });
    await call.pass(700);

    call.say('wait please stop');
    await call.pass(4_000);

    const [greeting] = call.brain.heard;
    expect(greeting?.wasInterrupted).toBe(true);
    expect(call.heardWords().startsWith(greeting?.text ?? '?')).toBe(true);
    expect(call.heardWords()).not.toContain('eight');
    expect(call.brain.inputs).toEqual([{ type: 'started' }, { type: 'said', text: 'wait please stop' }]);
    expect(call.heardWords()).toContain('Very well.');
    expect(call.turns[0]).toMatchObject({ role: 'assistant', text: LONG, wasInterrupted: true });
  });

  test('playout stops within 120 ms of voice, long before the barge-in is decided', async () => {
    const call = talking({ media });
    await call.pass(700);

    call.say('wait please stop');
    await call.pass(2_000);

    const oneWay = media === undefined ? 0 : 'latencyMs' in media ? media.latencyMs : 0;
    expect(call.isQuiet(700 + 120 + oneWay, 2_000)).toBe(true);
  });

  test('a cough: the assistant plays on, with no word missing and none complete twice', async () => {
    const call = talking({ media });
    await call.pass(700);

    call.cough(150);
    await call.pass(4_000);

    expect(call.heardWords()).toBe(LONG);
    expect(call.brain.heard).toEqual([{ text: LONG, wasInterrupted: false }]);
    expect(call.brain.inputs).toEqual([{ type: 'started' }]);
    expect(call.eventTypes).toContain('barge_in_dismissed');
  });

  test('a key commits at once', async () => {
    const call = talking({ media, turn: { digitTimeoutMs: 500 } });
    await call.pass(700);

    call.media.press('4');
    await call.pass(3_000);

    expect(call.brain.inputs).toEqual([{ type: 'started' }, { type: 'digits', digits: '4' }]);
    expect(call.brain.heard[0]?.wasInterrupted).toBe(true);
    expect(call.heardWords()).not.toContain('eight');
    expect(call.digits).toBe('4');
  });
});

describe('barge-in', () => {
  test('a resumed reply starts again at a pause between words, not in the middle of one', async () => {
    const call = talking();
    await call.pass(710);

    call.cough(150);
    await call.pass(4_000);

    const words = call.assistantWords.decode(call.media.ear);
    const broken = words.findIndex((word) => !word.isComplete);
    expect(broken).toBeGreaterThan(0);
    expect(words[broken + 1]).toEqual({ text: words[broken]?.text, isComplete: true });
  });

  test('late audio and late words of the cancelled reply are dropped', async () => {
    const call = new CallWorld({
      answer: (_input, turn) =>
        turn === 0 ? [says(`${LONG} `), { type: 'wait', ms: 1_200 }, says('too late now.')] : [says('Very well.')],
    });
    await call.pass(700);

    call.say('wait please stop');
    await call.pass(5_000);

    expect(call.heardWords()).not.toContain('late');
    expect(call.textToSpeech.requests).not.toContain('too late now.');
    expect(call.heardWords()).toContain('Very well.');
  });

  test('a reply longer than the wire holds does not flow on into the room that cutting it made', async () => {
    const call = talking({ answer: (_input, turn) => (turn === 0 ? [says(`${LONG} ${LONG} ${LONG}`)] : []) });
    await call.pass(1_000);

    call.say('wait please stop');
    await call.pass(5_000);

    expect(call.isQuiet(1_120, 5_900)).toBe(true);
  });

  // A voice stopped in the middle of a sentence once made that sentence look complete, and its words short enough to be heard.
  test('of a sentence that was cut while it was being made no word is taken for heard', async () => {
    const call = talking({
      answer: () => [says(`Hello. ${LONG}`)],
      textToSpeech: { chunkMs: 200, nextChunkAfterMs: 1_000, tellsWords: false },
    });
    await call.pass(330);

    call.media.press('2');
    await call.pass(4_000);

    expect(call.brain.heard[0]).toEqual({ text: 'Hello.', wasInterrupted: true });
  });

  test('with interim words an acknowledgement lets the assistant play on', async () => {
    const call = talking({ speechToText: { hasInterim: true } });
    await call.pass(700);

    call.say('okay');
    await call.pass(4_000);

    expect(call.heardWords()).toBe(LONG);
    expect(call.brain.inputs).toEqual([{ type: 'started' }]);
  });

  test('with interim words any other word takes the turn, however short the voice was', async () => {
    const call = talking({ speechToText: { hasInterim: true } });
    await call.pass(700);

    call.say('no');
    await call.pass(4_000);

    expect(call.brain.inputs).toEqual([{ type: 'started' }, { type: 'said', text: 'no' }]);
    expect(call.heardWords()).not.toContain('eight');
  });

  test('an acknowledgement that grows into a sentence takes the turn', async () => {
    const call = talking({ speechToText: { hasInterim: true } });
    await call.pass(500);

    call.say('okay but wait');
    await call.pass(4_000);

    expect(call.brain.inputs[1]).toMatchObject({ type: 'said' });
    expect(call.heardWords()).not.toContain('ten.');
  });

  test('our own echo interrupts once at most, and then no more', async () => {
    const call = new CallWorld({ answer: () => [says(`${LONG} ${LONG} ${LONG}`)] });
    const echo = () => {
      const last = call.media.ear.slice(-160).map((sample) => Math.round(sample / 40));
      call.media.say(last.map((sample) => (sample === 0 ? 0 : 520)));
    };

    for (let tick = 0; tick < 400; tick++) {
      await call.pass(20);
      echo();
    }

    const suspected = call.eventTypes.filter((type) => type === 'barge_in_suspected');
    expect(suspected).toHaveLength(1);
    expect(call.brain.heard).toEqual([{ text: `${LONG} ${LONG} ${LONG}`, wasInterrupted: false }]);
  });

  test('voice while the brain thinks: one question is asked of both parts, the late answer is dropped', async () => {
    const call = new CallWorld({
      answer: (_input, turn) => {
        if (turn === 0) return [];
        return turn === 1 ? [{ type: 'wait', ms: 900 }, says('too soon.')] : [says('Very well.')];
      },
    });
    await call.pass(300);
    call.say('I want to');
    await call.pass(1_600);

    call.say('book a table');
    await call.pass(4_000);

    expect(call.brain.inputs.at(-1)).toEqual({ type: 'said', text: 'I want to book a table' });
    expect(call.heardWords()).toBe('Very well.');
    expect(call.brain.heard[1]).toEqual({ text: '', wasInterrupted: true });
  });

  test('a question whose answer was heard in part is not asked again', async () => {
    const call = new CallWorld({ answer: (_input, turn) => (turn === 0 ? [] : [says(LONG)]) });
    await call.pass(300);
    call.say('a table');
    await call.pass(2_200);

    call.say('no a room');
    await call.pass(3_000);

    expect(call.brain.heard[1]?.text).toMatch(/^one two/);
    expect(call.brain.inputs.slice(1)).toEqual([
      { type: 'said', text: 'a table' },
      { type: 'said', text: 'no a room' },
    ]);
  });

  test('a short answer into the last moment of a question is heard, not taken for a cough', async () => {
    const call = talking({ media: { latencyMs: 100 } });
    await call.pass(1_660);

    call.say('yes');
    await call.pass(3_000);

    expect(call.brain.inputs[1]).toEqual({ type: 'said', text: 'yes' });
    expect(call.brain.heard[0]).toEqual({ text: LONG, wasInterrupted: false });
    expect(call.eventTypes).toContain('barge_in_outlived');
  });

  test('a cough while the brain thinks changes nothing', async () => {
    const call = new CallWorld({
      answer: (_input, turn) => (turn === 0 ? [] : [{ type: 'wait', ms: 900 }, says('Very well.')]),
    });
    await call.pass(300);
    call.say('a table');
    await call.pass(1_500);

    call.cough(120);
    await call.pass(3_000);

    expect(call.brain.inputs).toEqual([{ type: 'started' }, { type: 'said', text: 'a table' }]);
    expect(call.heardWords()).toBe('Very well.');
  });

  test('without a recogniser the voice is not listened to, and keys still interrupt', async () => {
    const call = talking({ speechToText: null, turn: { digitTimeoutMs: 500 } });
    await call.pass(500);

    call.say('wait please stop');
    await call.pass(500);
    expect(call.vad.openSessions).toBe(0);
    expect(call.eventTypes).not.toContain('barge_in_suspected');

    call.media.press('1');
    await call.pass(2_000);
    expect(call.brain.inputs[1]).toEqual({ type: 'digits', digits: '1' });
    expect(call.heardWords()).not.toContain('nine');
  });
});
