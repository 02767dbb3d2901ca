import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { OutboundLine } from '../src/asterisk/outbound-line.ts';
import { Phone } from '../src/phone/phone.ts';
import { SipLeg } from '../src/phone/sip-leg.ts';
import { textsOf } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { scripted } from '../src/server/test-assistant.ts';

const QUIET_MS = 1_200;
const SAID = {
  menu: 'Press a key.',
  moment: 'One moment please.',
  sorry: 'Nobody is free. Goodbye.',
} as const;

/** A key for each way a transfer goes: numbers are extensions of the dialplan's [callee]. */
const FLOW = {
  start: 'menu',
  fallback: 'menu',
  nodes: {
    menu: {
      type: 'ask',
      text: SAID.menu,
      confirm: false,
      choices: [
        { value: 'agent', phrases: ['agent'], digits: '1', next: 'agent' },
        { value: 'busy', phrases: ['busy'], digits: '2', next: 'busy' },
        { value: 'away', phrases: ['away'], digits: '3', next: 'away' },
      ],
    },
    agent: { type: 'transfer', to: 'answer', text: SAID.moment, otherwise: 'sorry' },
    busy: { type: 'transfer', to: 'busy', text: SAID.moment, otherwise: 'sorry' },
    away: { type: 'transfer', to: 'noanswer', text: SAID.moment, otherwise: 'sorry' },
    sorry: { type: 'hang_up', text: SAID.sorry },
  },
};

let server: ServerUnderTest;
let asterisk: Asterisk;
let line: OutboundLine;

beforeAll(async () => {
  server = await startServer({ settings: scripted(FLOW) });
  asterisk = await startAsterisk({
    http: server.http,
    audioSocket: server.audioSocket,
    sip: server.sip,
    assistantId: server.assistantId,
    apiKey: server.apiKey,
  });
  line = await OutboundLine.open(server, asterisk);
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe.each([
  ['AudioSocket()', '5101'],
  ['Dial(AudioSocket/...) at 8 kHz', '5201'],
  ['Dial(AudioSocket/...) at 16 kHz', '5301'],
  ['Dial(WebSocket/...) at 16 kHz', '5401'],
])('a caller on a real Asterisk 22, through %s', (_name, number) => {
  test('is handed over: talks with the other side, and the call is over for the assistant', async () => {
    await using phone = await dial(number);
    await phone.heardOut(QUIET_MS);

    await phone.press('1');
    const record = await server.endedCall(await server.lastContextId(), 20_000);
    // The other side says hello and then repeats what it hears.
    await phone.heardVoice(300);

    expect(record.call).toMatchObject({ status: 'ended', endReason: 'transferred' });
    expect(textsOf(record, 'assistant')).toEqual([SAID.menu, SAID.moment]);
    expect(phone.endedBy).toBeUndefined();
    phone.hangUp();
    await expect
      .poll(() => asterisk.cli('core show channels count'), { timeout: 5_000 })
      .toContain('0 active channels');
  }, 60_000);

  test('hears that nobody is free when the other side is busy, in the same call', async () => {
    await using phone = await dial(number);
    await phone.heardOut(QUIET_MS);

    await phone.press('2');
    const record = await server.endedCall(await server.lastContextId(), 30_000);

    expect(record.call).toMatchObject({ status: 'ended', endReason: 'assistant_hung_up' });
    expect(textsOf(record, 'assistant')).toEqual([SAID.menu, SAID.moment, SAID.sorry]);
    expect(record.turns.at(-1)).toMatchObject({ heardText: SAID.sorry });
  }, 60_000);
});

test('a caller hears music while it rings at the other side, and hanging up stops the ringing', async () => {
  await using phone = await dial('5101');
  await phone.heardOut(QUIET_MS);

  await phone.press('3');
  await phone.heardVoice(6_000, 30_000);
  expect(await asterisk.cli('core show channels')).toContain('noanswer@callee');
  phone.hangUp();

  const { call } = await server.endedCall(await server.lastContextId(), 20_000);
  expect(call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
  await expect.poll(() => asterisk.cli('core show channels count'), { timeout: 5_000 }).toContain('0 active channels');
}, 60_000);

test.each(['audiosocket', 'websocket'])(
  'a callee of ours is handed over as well, over %s',
  async (transport) => {
    const contextId = await line.call('presses1', { transport });

    const { call } = await server.endedCall(contextId, 30_000);

    expect(call).toMatchObject({ direction: 'outbound', status: 'ended', endReason: 'transferred' });
    expect(await asterisk.cli('core show channels concise')).toContain('!Bridge!');
  },
  60_000,
);

async function dial(number: string): Promise<Phone> {
  return await Phone.open(new SipLeg(asterisk.phoneTo(number)));
}
