import type { CallRecord } from '@assistant/peers/server/call-record';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallServer, LONG_MS, startCallServer } from './call-server.ts';
import { expectSoundWaterfalls } from './expect-waterfalls.ts';
import { heardOut, ReferenceVoice, soundingSamples, soundsAt } from './reference-voice.ts';

const GREETING =
  'Hello, and welcome to the demo line. For billing, press 1. For support, press 2. For opening hours, press 3.';
const BILLING =
  'Your last invoice was paid in full. There is nothing left to pay. ' +
  'Is there anything else I can do for you? For yes, press 1. For no, press 2.';
const SUPPORT =
  'All our systems are running well. There are no known problems. ' +
  'Is there anything else I can do for you? For yes, press 1. For no, press 2.';
const GOODBYE = 'Thank you for calling. Goodbye.';

let server: CallServer;
let sounds: { greeting: Int16Array; billing: Int16Array; support: Int16Array; goodbye: Int16Array };

beforeAll(async () => {
  await using voice = new ReferenceVoice();
  const starting = startCallServer();
  sounds = {
    greeting: await voice.samples(GREETING),
    billing: await voice.samples(BILLING),
    support: await voice.samples(SUPPORT),
    goodbye: await voice.samples(GOODBYE),
  };
  server = await starting;
});

afterAll(() => server?.[Symbol.asyncDispose]());

describe('the demo assistant, by keys', () => {
  test(
    'two callers at once: each hears the greeting, its own answer and the whole goodbye, and nothing of the other',
    async () => {
      const [first, second] = await Promise.all([callAndPress('1', sounds.billing), callAndPress('2', sounds.support)]);

      const { greeting, billing, support, goodbye } = sounds;
      const sizes = [greeting, billing, goodbye].map(soundingSamples) as [number, number, number];
      const supportSize = soundingSamples(support);
      expect(first.end).toEqual({ by: 'far end', how: 'hung up' });
      expect(second.end).toEqual({ by: 'far end', how: 'hung up' });
      expect(placesIn(first.heard)).toEqual([0, sizes[0], -1, sizes[0] + sizes[1]]);
      expect(placesIn(second.heard)).toEqual([0, -1, sizes[0], sizes[0] + supportSize]);
      expect(soundingSamples(first.heard)).toBe(sizes[0] + sizes[1] + sizes[2]);
      expect(soundingSamples(second.heard)).toBe(sizes[0] + supportSize + sizes[2]);
      expectRecord(first.record, { key: '1', topic: 'billing', answer: BILLING });
      expectRecord(second.record, { key: '2', topic: 'support', answer: SUPPORT });
      await server.idle();
      expect(server.faults()).toEqual([]);
    },
    2 * LONG_MS,
  );
});

async function callAndPress(key: string, answer: Int16Array) {
  const { phone, contextId } = await server.call(server.demo.assistantId);
  await heardOut(phone, sounds.greeting);
  await phone.press(key);
  await heardOut(phone, answer);
  await phone.press('2');
  const end = await phone.heardHangUp(LONG_MS);
  return { end, heard: phone.heard.samples(), record: await server.endedRecord(contextId) };
}

function placesIn(heard: Int16Array): number[] {
  const { greeting, billing, support, goodbye } = sounds;
  return [greeting, billing, support, goodbye].map((reference) => soundsAt(heard, reference));
}

function expectRecord(record: CallRecord, told: { key: string; topic: string; answer: string }): void {
  expect(record.call).toMatchObject({ status: 'ended', endReason: 'assistant_hung_up', channel: 'asterisk' });
  expect(record.dtmf).toBe(`${told.key}2`);
  expect(record.turns.map(({ index, role, source, text }) => [index, role, source, text])).toEqual([
    [0, 'assistant', 'speech', GREETING],
    [1, 'caller', 'digits', told.key],
    [2, 'assistant', 'speech', told.answer],
    [3, 'caller', 'digits', '2'],
    [4, 'assistant', 'speech', GOODBYE],
  ]);
  expect(record.turns.map(({ heardText }) => heardText)).toEqual(record.turns.map(({ text }) => text));
  expect(record.turns.some(({ wasInterrupted }) => wasInterrupted)).toBe(false);
  expectSoundWaterfalls(record.turns);
  expect(record.events.map(({ type, data }) => [type, data?.['node'] ?? data?.['reason']])).toEqual([
    ['flow_node', 'welcome'],
    ['flow_node', 'menu'],
    ['flow_node', told.topic],
    ['flow_node', 'more'],
    ['flow_node', 'goodbye'],
    ['ended', 'assistant_hung_up'],
  ]);
  const times = record.events.map(({ atMs }) => atMs);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
}
