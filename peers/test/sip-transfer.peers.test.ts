import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { configTemplate } from '../src/asterisk/config-files.ts';
import { callLocally } from '../src/asterisk/local-caller.ts';
import { levelDbfs } from '../src/audio/level.ts';
import { type CallRecord, textsOf } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { scripted } from '../src/server/test-assistant.ts';

const TRUNK_PASSWORD = 'trunk-password-0000';
const SORRY = 'Nobody is there. Goodbye.';
const FLOW = {
  start: 'menu',
  fallback: 'sorry',
  nodes: {
    menu: {
      type: 'ask',
      text: 'Press a key.',
      confirm: false,
      choices: [
        { value: 'answer', phrases: ['answer'], digits: '1', next: 'answer' },
        { value: 'nowhere', phrases: ['nowhere'], digits: '2', next: 'nowhere' },
        { value: 'busy', phrases: ['busy'], digits: '3', next: 'busy' },
        { value: 'declined', phrases: ['declined'], digits: '4', next: 'declined' },
        { value: 'ringing', phrases: ['ringing'], digits: '5', next: 'ringing' },
      ],
    },
    answer: { type: 'transfer', to: 'answer', otherwise: 'sorry' },
    nowhere: { type: 'transfer', to: 'nowhere', otherwise: 'sorry' },
    busy: { type: 'transfer', to: 'busy', otherwise: 'sorry' },
    declined: { type: 'transfer', to: 'declines', otherwise: 'sorry' },
    ringing: { type: 'transfer', to: 'noanswer', otherwise: 'sorry' },
    sorry: { type: 'hang_up', text: SORRY },
  },
};
/** Asterisk as the PBX of the callers, and as the carrier that targets are called over. */
const TRUNK = `
[assistant-line]
type=endpoint
transport=transport-udp
context=callee
disallow=all
allow=alaw
auth=assistant-line-auth
aors=assistant-line
direct_media=no
[assistant-line-auth]
type=auth
auth_type=userpass
username=assistant-line
password=${TRUNK_PASSWORD}
[assistant-line]
type=aor
max_contacts=1
`;
const CALLEES = `
[callee]
exten => declines,1,Ringing()
 same => n,Wait(1)
 same => n,Hangup(21)

[lines]
exten => 5001,1,Set(__TRANSFER_CONTEXT=callee)
 same => n,Dial(PJSIP/15555001@rapida-trunk)
exten => 5002,1,Dial(PJSIP/15555002@rapida-trunk)
`;
const BY_REFER = '5001';
const BY_BRIDGE = '5002';

let server: ServerUnderTest;
let asterisk: Asterisk;

beforeAll(async () => {
  server = await startServer({ settings: scripted(FLOW) });
  const { http, audioSocket, sip, assistantId, apiKey } = server;
  const files = {
    'pjsip.conf': `${await configTemplate('pjsip.conf')}${TRUNK}`,
    'extensions.conf': `${await configTemplate('extensions.conf')}${CALLEES}`,
  };
  asterisk = await startAsterisk({ http, audioSocket, sip, assistantId, apiKey }, { files });
  const login = { username: 'assistant-line', password: TRUNK_PASSWORD };
  const values = {
    host: '127.0.0.1',
    port: asterisk.ports.sip,
    transport: 'udp',
    caller_id: 'p-asserted-identity',
    ...login,
  };
  const credential = await post('/v1/credentials', { provider: 'sip', name: 'trunk', values });
  for (const [number, transfer] of [
    ['15555001', 'refer'],
    ['15555002', 'bridge'],
  ]) {
    const wish = { assistantId, channel: 'sip', name: transfer, number, credentialId: credential['id'] };
    await post('/v1/deployments', { ...wish, settings: { transfer } });
  }
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe('a caller of a real Asterisk 22 is handed over by REFER', () => {
  test('to an extension that answers: the PBX has the call, we have said BYE', async () => {
    const call = callLocally(asterisk, { number: BY_REFER, steps: ['Wait(3)', 'SendDTMF(1)', 'Wait(8)'] });
    await expect
      .poll(() => asterisk.cli('core show channels concise'), { timeout: 15_000 })
      .toContain('!callee!answer!');
    const record = await lastCall();
    expect(await asterisk.cli('core show channels concise')).not.toContain('PJSIP/rapida-trunk');
    await call;

    expect(record.call).toMatchObject({ status: 'ended', endReason: 'transferred' });
    expect(textsOf(record, 'assistant')).toEqual(['Press a key.']);
    await noChannels();
  });

  test('to an extension that is not there: the caller hears so from us', async () => {
    await callLocally(asterisk, { number: BY_REFER, steps: ['Wait(3)', 'SendDTMF(2)', 'Wait(10)'] });
    const record = await lastCall();

    expect(record.call).toMatchObject({ status: 'ended', endReason: 'assistant_hung_up' });
    expect(textsOf(record, 'assistant').at(-1)).toBe(SORRY);
    await noChannels();
  });
});

describe('a caller of a real Asterisk 22 is handed over by a call of ours', () => {
  test('to somebody who answers: both talk through us, and the caller ends it', async () => {
    const { heard } = await callLocally(asterisk, { number: BY_BRIDGE, steps: ['Wait(3)', 'SendDTMF(1)', 'Wait(6)'] });
    const record = await lastCall();

    expect(record.call).toMatchObject({ status: 'ended', endReason: 'transferred' });
    expect(voicedMs(heard.samples.subarray(3 * 8_000))).toBeGreaterThan(300);
    await noChannels();
  });

  test.each([
    ['is busy', '3', 'busy'],
    ['declines', '4', 'rejected'],
    ['does not exist', '2', 'unreachable'],
  ])('to somebody who %s: the caller is back with us', async (_what, key, reason) => {
    await callLocally(asterisk, { number: BY_BRIDGE, steps: ['Wait(3)', `SendDTMF(${key})`, 'Wait(12)'] });
    const record = await lastCall();

    expect(record.events.find(({ type }) => type === 'transfer_failed')?.data).toMatchObject({ reason });
    expect(record.call).toMatchObject({ status: 'ended', endReason: 'assistant_hung_up' });
    expect(textsOf(record, 'assistant').at(-1)).toBe(SORRY);
    await noChannels();
  });

  test('and hangs up while it rings: nobody is left ringing', async () => {
    await callLocally(asterisk, { number: BY_BRIDGE, steps: ['Wait(3)', 'SendDTMF(5)', 'Wait(3)'] });
    const record = await lastCall();

    expect(record.call).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
    await noChannels();
  });
});

async function lastCall(): Promise<CallRecord> {
  return await server.endedCall(await server.lastContextId(), 15_000);
}

async function noChannels(): Promise<void> {
  await expect.poll(() => asterisk.cli('core show channels count'), { timeout: 5_000 }).toContain('0 active channels');
}

function voicedMs(samples: Int16Array): number {
  let frames = 0;
  for (let at = 0; at + 160 <= samples.length; at += 160) if (levelDbfs(samples.subarray(at, at + 160)) > -50) frames++;
  return frames * 20;
}

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': server.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}; the server said:\n${server.output}`);
  return JSON.parse(text) as Record<string, unknown>;
}
