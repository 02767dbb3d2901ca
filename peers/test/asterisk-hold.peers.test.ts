import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { accountOf } from '../src/asterisk/outbound-line.ts';
import { type Baresip, startBaresip } from '../src/baresip/baresip.ts';
import { type CallRecord, textsOf } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

/** A phone that logs in to a real Asterisk 22 puts the call on hold by a re-INVITE; only ARI tells us. */
const IDLE_MS = 4_000;
/** By then a caller who is silent would have been asked, and a stream that is silent taken for broken. */
const HELD_MS = 34_000;

let server: ServerUnderTest;
let asterisk: Asterisk;

beforeAll(async () => {
  server = await startServer({ settings: testAssistant({ idleAskMs: IDLE_MS, idleGoodbyeMs: IDLE_MS }) });
  const { http, audioSocket, sip, assistantId, apiKey } = server;
  asterisk = await startAsterisk({ http, audioSocket, sip, assistantId, apiKey });
  const values = { ...accountOf(asterisk), endpoint_template: 'PJSIP/{number}' };
  const { id: credentialId } = await server.post('/v1/credentials', { provider: 'asterisk', name: 'lab', values });
  const line = { assistantId, channel: 'asterisk', name: 'phones', credentialId: String(credentialId) };
  await server.post('/v1/deployments', { ...line, settings: { transport: 'audiosocket' } });
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe.each([
  ['Dial(AudioSocket/…)', '5200'],
  ['Dial(WebSocket/…)', '5400'],
])('a caller over %s', (_how, number) => {
  test('who puts the call on hold in the greeting is not asked whether he is there, and hears the rest afterwards', async () => {
    await using phone = await openPhone();
    const { host, port } = asterisk.phoneTo(number);
    phone.dial(`sip:${number}@${host}:${port}`);
    await phone.heardVoice(1_500);

    phone.hold();
    await sleep(HELD_MS);
    phone.resume();
    await sleep(500);
    await phone.press('1');
    await phone.happened('CALL_CLOSED');
    const record = await server.endedCall(await server.lastContextId());

    expect(textsOf(record, 'assistant')).toEqual([SAID.menu, SAID.billing]);
    expect(record.call).toMatchObject({ channel: 'asterisk', endReason: 'assistant_hung_up' });
    expect(holdsOf(record)).toEqual(['held', 'unheld']);
  }, 90_000);
});

test('a phone that we call is heard to hold as well', async () => {
  await using phone = await openPhone(60);
  await phone.registered();
  const { data } = await server.post('/v1/talk/create-phone-call', {
    assistant: { assistantId: server.assistantId },
    toNumber: asterisk.phoneTo('').user,
    options: { channel: 'asterisk' },
  });
  await phone.happened('CALL_INCOMING');
  phone.accept();
  await phone.heardVoice(1_500);

  phone.hold();
  await sleep(3 * IDLE_MS);
  phone.resume();
  await sleep(500);
  await phone.press('1');
  const record = await server.endedCall((data as { contextId: string }).contextId, 40_000);

  expect(record.call).toMatchObject({ direction: 'outbound', endReason: 'assistant_hung_up' });
  expect(textsOf(record, 'assistant')).toEqual([SAID.menu, SAID.billing]);
  expect(holdsOf(record)).toEqual(['held', 'unheld']);
}, 90_000);

function holdsOf({ events }: CallRecord): readonly string[] {
  return events.map(({ type }) => type).filter((type) => type === 'held' || type === 'unheld');
}

function openPhone(registerSeconds = 0): Promise<Baresip> {
  const says = { samples: new Int16Array(8_000 * 120), sampleRate: 8_000 };
  return startBaresip({ target: asterisk.phoneTo(''), says, registerSeconds });
}
