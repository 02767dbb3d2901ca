import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeOpenAiServer, type OpenAiFailure } from '../fakes/openai-server.ts';
import { type CallServer, eventually, LONG_MS, startCallServer } from './call-server.ts';
import { CALLER_SAYS } from './caller-says.ts';
import { following, thinkingWith } from './own-assistants.ts';
import { heardOut, ReferenceVoice, soundingSamples, soundsAt } from './reference-voice.ts';

const KEY = 'sk-lab-0123456789abcdef';
const GREETING = 'Hello there.';
const ANSWER = 'The first word is not the last one.';
const SORRY = 'Something broke. Goodbye.';
const BILLING = 'Billing is closed.';
const FLOW = {
  start: 'menu',
  fallback: 'bye',
  nodes: {
    menu: {
      type: 'ask',
      text: GREETING,
      reprompt: 'Again.',
      confirm: false,
      choices: [{ value: 'billing', phrases: ['billing'], digits: '1', next: 'billing' }],
    },
    billing: { type: 'hang_up', text: BILLING },
    bye: { type: 'hang_up', text: 'Goodbye.' },
  },
};
const BY_OPEN_AI = (model: string) => ({ provider: 'openai-compatible', options: { model } });

/** How requests for a model go wrong; a voice goes wrong in the middle of its test. */
const failures: Record<string, OpenAiFailure> = {
  'model-stalled': 'stalled',
  'model-stalled-midway': 'stalled-midway',
  'model-401': 'unauthorized',
  'model-429': 'rate-limited',
  'model-500': 'server-error',
  'model-cut': 'cut',
  'model-garbage': 'garbage',
  'model-empty': 'empty',
  'voice-500': 'server-error',
  'ears-500': 'server-error',
};

let openAi: FakeOpenAiServer;
let server: CallServer;
let voice: ReferenceVoice;

beforeAll(async () => {
  openAi = new FakeOpenAiServer({ failures, firstPartMs: 20, reply: () => ANSWER });
  voice = new ReferenceVoice();
  server = await startCallServer({ env: { OPENAI_BASE_URL: await openAi.listen(), OPENAI_API_KEY: KEY } });
});

afterAll(async () => {
  await voice?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
});

describe.concurrent('a part that fails', () => {
  describe('a recogniser', () => {
    test(
      'twice it counts as not understood, the third time the caller is told and the call is over',
      async () => {
        const assistantId = await server.assistant(
          following(FLOW, { errorSentence: SORRY, speechToText: BY_OPEN_AI('ears-500') }),
        );
        const { phone, contextId } = await server.call(assistantId);
        await heardOut(phone, await voice.samples(GREETING));
        await phone.say('no', CALLER_SAYS.no.samples);
        await heardOut(phone, await voice.samples('Again.'));
        const first = soundingSamples(phone.heard.samples());
        await phone.say('no', CALLER_SAYS.no.samples);
        await eventually('the second question', async () =>
          soundingSamples(phone.heard.samples()) >= 2 * first - soundingSamples(await voice.samples(GREETING))
            ? true
            : null,
        );
        await phone.heardQuiet(500, LONG_MS);
        await phone.say('no', CALLER_SAYS.no.samples);
        const end = await phone.heardHangUp(LONG_MS);

        const { call, turns, events } = await server.endedRecord(contextId);
        expect(end).toEqual({ by: 'far end', how: 'hung up' });
        expect(call).toMatchObject({ status: 'ended', endReason: 'provider_failed' });
        expect(turns.map(({ role, heardText }) => [role, heardText])).toEqual([
          ['assistant', GREETING],
          ['assistant', 'Sorry, I did not understand that. Again.'],
          ['assistant', 'Sorry, I did not understand that. Again.'],
          ['assistant', SORRY],
        ]);
        expect(events.find(({ type }) => type === 'part_failed')?.data).toEqual({ part: 'recogniser' });
      },
      2 * LONG_MS,
    );
  });

  describe('a model', () => {
    test.each(Object.keys(failures).filter((name) => name.startsWith('model-')))(
      '%s: the caller hears the error sentence to its end, and the call is over',
      async (model) => {
        const assistantId = await server.assistant(thinkingWith(model, GREETING, { errorSentence: SORRY }));
        const { phone, contextId } = await server.call(assistantId);
        await heardOut(phone, await voice.samples(GREETING));
        await phone.press('1#');
        const end = await phone.heardHangUp(LONG_MS);

        const { call, turns, events } = await server.endedRecord(contextId);
        expect(end).toEqual({ by: 'far end', how: 'hung up' });
        expect(call).toMatchObject({ status: 'ended', endReason: 'provider_failed' });
        expect(turns.map(({ role, text, heardText }) => [role, text, heardText])).toEqual([
          ['assistant', GREETING, GREETING],
          ['caller', '1', '1'],
          ['assistant', SORRY, SORRY],
        ]);
        expect(events.find(({ type }) => type === 'part_failed')?.data).toEqual({ part: 'brain' });
        await expectHeard(phone.heard.samples(), [GREETING, SORRY]);
        expect(openAi.requests.filter(({ body }) => body['model'] === model)).toHaveLength(1);
      },
      2 * LONG_MS,
    );
  });

  describe('a voice', () => {
    test(
      'from the first word on: nothing can be said, so the call ends without a word',
      async () => {
        const assistantId = await server.assistant(
          following(FLOW, { errorSentence: SORRY, textToSpeech: BY_OPEN_AI('voice-500') }),
        );

        const { phone, contextId } = await server.call(assistantId);
        const end = await phone.heardHangUp(LONG_MS);

        const { call, turns, events } = await server.endedRecord(contextId);
        expect(end).toEqual({ by: 'far end', how: 'hung up' });
        expect(call).toMatchObject({ status: 'ended', endReason: 'provider_failed' });
        expect(turns.map(({ text, heardText }) => [text, heardText])).toEqual([
          [GREETING, ''],
          [SORRY, ''],
        ]);
        expect(events.find(({ type }) => type === 'part_failed')?.data).toEqual({ part: 'voice' });
        expect(soundingSamples(phone.heard.samples())).toBe(0);
      },
      2 * LONG_MS,
    );

    test(
      'in the middle of the call: the error sentence was made before, and is heard',
      async () => {
        const assistantId = await server.assistant(
          thinkingWith('model', GREETING, { errorSentence: SORRY, textToSpeech: BY_OPEN_AI('voice-later') }),
        );
        const { phone, contextId } = await server.call(assistantId);
        await phone.heardOut(500, LONG_MS);
        const spoken = () => openAi.requests.filter(({ body }) => body['model'] === 'voice-later');
        await eventually('the sentences for bad days', async () =>
          spoken().length > 6 && spoken().every(({ isComplete }) => isComplete) ? true : null,
        );
        failures['voice-later'] = 'server-error';
        const before = soundingSamples(phone.heard.samples());

        await phone.press('1#');
        const end = await phone.heardHangUp(LONG_MS);

        const { call, turns } = await server.endedRecord(contextId);
        expect(end).toEqual({ by: 'far end', how: 'hung up' });
        expect(call).toMatchObject({ status: 'ended', endReason: 'provider_failed' });
        expect(turns.map(({ role, text, heardText }) => [role, text, heardText])).toEqual([
          ['assistant', GREETING, GREETING],
          ['caller', '1', '1'],
          ['assistant', ANSWER, ''],
          ['assistant', SORRY, SORRY],
        ]);
        expect(soundingSamples(phone.heard.samples()) - before).toBeGreaterThan(8_000);
        expect(spoken().filter(({ body }) => body['input'] === ANSWER)).toHaveLength(2);
      },
      2 * LONG_MS,
    );
  });
});

test('nothing is in use after all that, nothing crashed, and no line of the log holds the key', async () => {
  await server.idle();

  expect(server.faults()).toEqual([]);
  expect(server.log.entries.filter(({ event }) => event === 'conversation.part_failed').length).toBeGreaterThan(8);
  expect(JSON.stringify(server.log.entries)).not.toContain(KEY.slice(3));
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
