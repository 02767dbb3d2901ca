import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallServer, LONG_MS, startCallServer } from './call-server.ts';
import { following } from './own-assistants.ts';
import { heardOut, ReferenceVoice, soundingSamples, soundsAt } from './reference-voice.ts';

const MENU = 'Press one.';
const QUESTION = 'Hello?';
const NOBODY = 'Nobody there. Goodbye.';
const TOO_LONG = 'Time is up. Goodbye.';
const STORY = 'Once upon a time there was a very small telephone exchange at the edge of a very large forest.';
const CODE = 'Your code, and pound.';
const THANKS = 'Thanks.';

const TURN = { idleQuestion: QUESTION, idleGoodbye: NOBODY, maxDurationGoodbye: TOO_LONG };
const MENU_FLOW = {
  start: 'menu',
  fallback: 'bye',
  nodes: {
    menu: {
      type: 'ask',
      text: MENU,
      confirm: false,
      choices: [{ value: 'one', phrases: ['one'], digits: '1', next: 'bye' }],
    },
    bye: { type: 'hang_up', text: THANKS },
  },
};
const CODE_FLOW = {
  start: 'code',
  fallback: 'thanks',
  nodes: {
    code: { type: 'form', text: CODE, minDigits: 1, maxDigits: 8, saveAs: 'code', readBack: false, next: 'thanks' },
    thanks: { type: 'hang_up', text: THANKS },
  },
};
const STORY_FLOW = {
  start: 'story',
  fallback: 'bye',
  nodes: { story: { type: 'say', text: STORY, next: 'bye' }, bye: { type: 'hang_up', text: THANKS } },
};

let server: CallServer;
let voice: ReferenceVoice;

beforeAll(async () => {
  voice = new ReferenceVoice();
  server = await startCallServer();
});

afterAll(async () => {
  await voice?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe.concurrent('calls that end for want of words or time', () => {
  test(
    'a caller who says nothing is asked once, told goodbye and hung up on',
    async () => {
      const assistantId = await server.assistant(
        following(MENU_FLOW, { turn: { ...TURN, idleAskMs: 300, idleGoodbyeMs: 300 } }),
      );

      const { phone, contextId } = await server.call(assistantId);
      const end = await phone.heardHangUp(LONG_MS);

      const record = await server.endedRecord(contextId);
      expect(end).toEqual({ by: 'far end', how: 'hung up' });
      expect(record.call).toMatchObject({ status: 'ended', endReason: 'idle' });
      expect(record.turns.map(({ role, text, heardText }) => [role, text, heardText])).toEqual([
        ['assistant', MENU, MENU],
        ['assistant', QUESTION, QUESTION],
        ['assistant', NOBODY, NOBODY],
      ]);
      await expectHeard(phone.heard.samples(), [MENU, QUESTION, NOBODY]);
    },
    2 * LONG_MS,
  );

  test(
    'the longest call ends with a goodbye heard whole, in the middle of a sentence that never was',
    async () => {
      const assistantId = await server.assistant(following(STORY_FLOW, { turn: { ...TURN, maxDurationMs: 2_500 } }));

      const { phone, contextId } = await server.call(assistantId);
      const end = await phone.heardHangUp(LONG_MS);

      const record = await server.endedRecord(contextId);
      const [story, goodbye] = record.turns;
      expect(end).toEqual({ by: 'far end', how: 'hung up' });
      expect(record.call).toMatchObject({ status: 'ended', endReason: 'max_duration' });
      expect(record.turns.map(({ text }) => text)).toEqual([`${STORY} ${THANKS}`, TOO_LONG]);
      expect(story).toMatchObject({ wasInterrupted: true });
      expect(STORY.startsWith(`${story?.heardText} `)).toBe(true);
      expect(goodbye).toMatchObject({ wasInterrupted: false, heardText: TOO_LONG });
      const heard = phone.heard.samples();
      const size = soundingSamples(await voice.samples(TOO_LONG));
      expect(soundsAt(heard, await voice.samples(TOO_LONG))).toBe(soundingSamples(heard) - size);
      expect(soundsAt(heard, await voice.samples(STORY))).toBe(-1);
    },
    2 * LONG_MS,
  );

  test(
    'keys are recorded as they were pressed, and the pound key ends them',
    async () => {
      const assistantId = await server.assistant(following(CODE_FLOW, { turn: TURN }));

      const { phone, contextId } = await server.call(assistantId);
      await heardOut(phone, await voice.samples(CODE));
      await phone.press('12#');
      await phone.heardHangUp(LONG_MS);

      const record = await server.endedRecord(contextId);
      expect(record.call).toMatchObject({ status: 'ended', endReason: 'assistant_hung_up' });
      expect(record.dtmf).toBe('12#');
      expect(record.turns.map(({ role, source, text }) => [role, source, text])).toEqual([
        ['assistant', 'speech', CODE],
        ['caller', 'digits', '12'],
        ['assistant', 'speech', THANKS],
      ]);
      await expectHeard(phone.heard.samples(), [CODE, THANKS]);
    },
    2 * LONG_MS,
  );
});

test('nothing is in use after all that', async () => {
  await server.idle();

  expect(server.faults()).toEqual([]);
});

/** These texts and no other sound, one after the other. */
async function expectHeard(heard: Int16Array, texts: readonly string[]): Promise<void> {
  let at = 0;
  for (const text of texts) {
    const reference = await voice.samples(text);
    expect([text, soundsAt(heard, reference)]).toEqual([text, at]);
    at += soundingSamples(reference);
  }
  expect(soundingSamples(heard)).toBe(at);
}
