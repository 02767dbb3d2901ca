import { coverage } from '@assistant/peers/audio/alignment';
import { click, cough } from '@assistant/peers/audio/noises';
import { seededRandom } from '@assistant/peers/seeded-random';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeOpenAiServer } from '../fakes/openai-server.ts';
import { type CallServer, LONG_MS, startCallServer } from './call-server.ts';
import { CALLER_SAYS, SYLLABLE } from './caller-says.ts';
import { expectSoundWaterfalls } from './expect-waterfalls.ts';
import { following } from './own-assistants.ts';
import { ReferenceVoice, soundingSamples, soundsAt } from './reference-voice.ts';

const MENU = 'Once upon a time there was a very small telephone exchange in a forest. Say billing or support.';
const BILLING = 'Billing will call you back.';
const FLOW = {
  start: 'menu',
  fallback: 'bye',
  nodes: {
    menu: {
      type: 'ask',
      text: MENU,
      confirm: false,
      choices: [
        {
          value: 'billing',
          phrases: ['billing', 'i would like to ask about my last bill'],
          digits: '1',
          next: 'billing',
        },
        { value: 'support', phrases: ['support'], digits: '2', next: 'bye' },
      ],
    },
    billing: { type: 'hang_up', text: BILLING },
    bye: { type: 'hang_up', text: 'Goodbye.' },
  },
};
/** Lost or strange up to here are the edges of two 20 ms windows; after a false alarm up to 400 ms are played again. */
const EDGES_MS = 40;
const MOST_REPEATED_MS = 420;
const NOISE_SAMPLES = 1_200;

let openAi: FakeOpenAiServer;
let server: CallServer;
let voice: ReferenceVoice;
let assistantId: string;

beforeAll(async () => {
  openAi = new FakeOpenAiServer({ firstPartMs: 50, transcribe: () => CALLER_SAYS.bill.text });
  voice = new ReferenceVoice();
  server = await startCallServer({ env: { OPENAI_BASE_URL: await openAi.listen(), OPENAI_STT_MODEL: 'ears' } });
  assistantId = await server.assistant(following(FLOW));
});

afterAll(async () => {
  await voice?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
});

describe.concurrent('a caller into the middle of a sentence', () => {
  test(
    'words: the assistant falls silent, knows to which word it was heard, and answers them',
    async () => {
      const { phone, contextId } = await server.call(assistantId);
      await phone.heardVoice(1_500, LONG_MS);
      await phone.say('bill', CALLER_SAYS.bill.samples);
      await phone.heardHangUp(LONG_MS);

      const { call, turns, events } = await server.endedRecord(contextId);
      const heard = phone.heard.samples();
      const [menu, billing] = [await voice.samples(MENU), await voice.samples(BILLING)];
      const cutAt = soundsAt(heard, billing);
      expect(cutAt).toBeGreaterThan(0);
      expect(cutAt).toBeLessThan(soundingSamples(menu));
      expect(sounding(heard).subarray(0, cutAt)).toEqual(sounding(menu).subarray(0, cutAt));
      expect(soundingSamples(heard)).toBe(cutAt + soundingSamples(billing));
      expect(call).toMatchObject({ status: 'ended', endReason: 'assistant_hung_up' });
      expect(turns.map(({ role, text, wasInterrupted }) => [role, text, wasInterrupted])).toEqual([
        ['assistant', MENU, true],
        ['caller', CALLER_SAYS.bill.text, false],
        ['assistant', BILLING, false],
      ]);
      const heardText = turns[0]?.heardText ?? '';
      expect(heardText).not.toBe('');
      expect(MENU.startsWith(`${heardText} `)).toBe(true);
      expect(heardText.length / MENU.length).toBeLessThan(cutAt / soundingSamples(menu) + 0.1);
      expect(turns[2]?.heardText).toBe(BILLING);
      expectSoundWaterfalls(turns);
      expect(events.map(({ type }) => type)).toEqual(
        expect.arrayContaining(['barge_in_suspected', 'barge_in_committed']),
      );
    },
    2 * LONG_MS,
  );

  test.each([
    ['a cough of 150 ms', () => cough(seededRandom(7)).subarray(0, NOISE_SAMPLES)],
    ['a click', () => click(seededRandom(7))],
    ['a syllable of 200 ms', () => SYLLABLE],
  ])(
    '%s: the sentence goes on, no word is missing and none is said twice',
    async (name, make) => {
      const { phone, contextId } = await server.call(assistantId);
      await phone.heardVoice(1_500, LONG_MS);
      await phone.say(name, make());
      await phone.heardOut(1_500, LONG_MS);
      phone.hangUp();

      const { turns, events } = await server.endedRecord(contextId);
      const found = coverage(phone.heard.samples(), await voice.samples(MENU));
      expect(found.missingMs).toBeLessThanOrEqual(EDGES_MS);
      expect(found.strangeMs).toBeLessThanOrEqual(EDGES_MS);
      expect(found.repeatedPieces).toBe(0);
      expect(found.repeatedMs).toBeLessThanOrEqual(MOST_REPEATED_MS);
      expect(soundsAt(phone.heard.samples(), (await voice.samples(MENU)).slice(-8_000))).toBeGreaterThan(0);
      expect(turns).toHaveLength(1);
      expect(turns[0]).toMatchObject({ text: MENU, heardText: MENU, wasInterrupted: false });
      const types = events.map(({ type }) => type);
      expect(types).not.toContain('barge_in_committed');
      const count = (type: string) => types.filter((each) => each === type).length;
      expect(count('barge_in_dismissed')).toBe(count('barge_in_suspected'));
      if (name.startsWith('a syllable')) expect(count('barge_in_suspected')).toBe(1);
      const pauses = events.flatMap(({ data }) => data?.['pausedMs'] ?? []);
      expect(pauses.every((ms) => Number.isInteger(ms))).toBe(true);
    },
    2 * LONG_MS,
  );

  test(
    'a key: silence at once, and the answer to the key',
    async () => {
      const { phone, contextId } = await server.call(assistantId);
      await phone.heardVoice(600, LONG_MS);
      await phone.press('1');
      await phone.heardHangUp(LONG_MS);

      const { turns, dtmf } = await server.endedRecord(contextId);
      expect(dtmf).toBe('1');
      expect(turns.map(({ role, text }) => [role, text])).toEqual([
        ['assistant', MENU],
        ['caller', '1'],
        ['assistant', BILLING],
      ]);
      expect(MENU.startsWith(`${turns[0]?.heardText} `)).toBe(true);
      expect(soundsAt(phone.heard.samples(), await voice.samples(BILLING))).toBeLessThan(
        soundingSamples(await voice.samples(MENU)) / 2,
      );
    },
    2 * LONG_MS,
  );
});

test('nothing is in use after all that', async () => {
  await server.idle();

  expect(server.faults()).toEqual([]);
});

function sounding(samples: Int16Array): Int16Array {
  return samples.filter((sample) => sample !== 0);
}
