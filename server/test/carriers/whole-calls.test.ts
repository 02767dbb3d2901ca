import { resampled } from '@assistant/peers/audio/resample';
import type { CarrierLeg } from '@assistant/peers/carriers/carrier-leg';
import { Phone } from '@assistant/peers/phone/phone';
import { seededRandom } from '@assistant/peers/seeded-random';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CALLER_SAYS } from '../calls/caller-says.ts';
import { following } from '../calls/own-assistants.ts';
import { toneOf, tonesIn } from '../fakes/tone-voice.ts';
import { CARRIERS, CarrierServer } from './carrier-server.ts';

const LONG_MS = 40_000;
const MENU = `${words(0, 10)}. ${words(10, 20)}. ${words(20, 30)}. ${words(30, 40)}.`;
const BYE = 'w50 w51 w52.';
const FLOW = {
  start: 'menu',
  fallback: 'bye',
  nodes: {
    menu: {
      type: 'ask',
      text: MENU,
      confirm: false,
      choices: [{ value: 'stop', phrases: ['stop'], digits: '1', next: 'bye' }],
    },
    bye: { type: 'hang_up', text: BYE },
  },
};
const ENGINES = {
  speechToText: { provider: 'openai-compatible', options: { model: 'ears' } },
  textToSpeech: { provider: 'openai-compatible', options: { model: 'tones' } },
};
/** On top of the words that sounded while our `clear` was on its way: the one that is doubted where a voice tells no word ends. */
const MOST_FORGOTTEN_WORDS = 6;

let world: CarrierServer;
let assistantId: string;

beforeAll(async () => {
  world = await CarrierServer.start();
  assistantId = await world.assistant(following(FLOW, ENGINES));
}, 120_000);

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

describe.concurrent('a call over a carrier, against the server as a process', () => {
  test.each(CARRIERS.flatMap((carrier) => [0, 60].map((oneWayMs) => [carrier, oneWayMs] as const)))(
    '%s, %i ms away: a caller interrupts, is answered, and the record holds no word that was not played',
    async (carrier, oneWayMs) => {
      const delay = { oneWayMs, jitterMs: oneWayMs / 3, random: seededRandom(oneWayMs) };
      await using call = await world.call(carrier, assistantId, { toServer: delay, toCarrier: delay });
      const phone = await Phone.open(call.leg);
      await phone.heardVoice(1_500, LONG_MS);
      await phone.say(
        'the bill',
        resampled({ samples: CALLER_SAYS.bill.samples, sampleRate: 8_000 }, phone.sampleRate),
      );
      const end = await phone.heardHangUp(LONG_MS);
      const carrierEnd = await call.ended;
      const record = await world.server.endedCall(/ctx\/([0-9a-f-]{36})/.exec(call.leg.url)?.[1] ?? '');

      const [menu, caller, bye] = record.turns;
      const played = completeTones(call.leg);
      const heard = (menu?.heardText ?? '').split(' ').map(toneOf);
      expect(end).toEqual({ by: 'far end', how: 'closed the connection with 1000' });
      expect(carrierEnd).toBe('completed');
      expect(record.call).toMatchObject({ channel: carrier, status: 'ended', endReason: 'assistant_hung_up' });
      expect(record.turns.map(({ role, wasInterrupted }) => [role, wasInterrupted])).toEqual([
        ['assistant', true],
        ['caller', false],
        ['assistant', false],
      ]);
      expect(caller?.text).toBe('stop');
      expect(MENU.startsWith(`${menu?.heardText} `)).toBe(true);
      expect(played.slice(0, heard.length)).toEqual(heard);
      expect(played.filter((tone) => tone < 50).length - heard.length).toBeLessThanOrEqual(MOST_FORGOTTEN_WORDS);
      expect(bye?.heardText).toBe(BYE);
      expect(played.slice(-3)).toEqual([50, 51, 52]);
    },
    2 * LONG_MS,
  );

  test.each([
    ['twilio', 'GET'],
    ['twilio', 'JSON'],
    ['vonage', 'JSON'],
    ['exotel', 'GET'],
  ] as const)('%s, whose phase 1 comes by %s, hears the first words', async (carrier, form) => {
    await using call = await world.call(carrier, assistantId, {}, form);
    const phone = await Phone.open(call.leg);
    await phone.heardVoice(700, LONG_MS);
    phone.hangUp();

    expect(await call.ended).toBe('completed');
    expect(completeTones(call.leg).slice(0, 3)).toEqual([0, 1, 2]);
  });

  test.each(CARRIERS)('%s: a key is heard, and the caller who hangs up ends the call', async (carrier) => {
    await using call = await world.call(carrier, assistantId);
    const phone = await Phone.open(call.leg);
    await phone.heardVoice(600, LONG_MS);
    await phone.press('9');
    phone.hangUp();
    const record = await world.server.endedCall(/ctx\/([0-9a-f-]{36})/.exec(call.leg.url)?.[1] ?? '');

    expect(await call.ended).toBe('completed');
    expect(record.dtmf).toBe('9');
    expect(record.call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
  });
});

function completeTones(leg: CarrierLeg): number[] {
  return tonesIn(leg.playout.recording, leg.sampleRate)
    .filter(({ isComplete }) => isComplete)
    .map(({ tone }) => tone);
}

function words(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `w${String(from + index).padStart(2, '0')}`).join(' ');
}
