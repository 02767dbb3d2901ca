import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { configTemplate } from '../src/asterisk/config-files.ts';
import { callLocally } from '../src/asterisk/local-caller.ts';
import { startBaresip } from '../src/baresip/baresip.ts';
import type { CallRecord } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

const TRUNK_PASSWORD = 'trunk-password-0000';
const QUIET_MS = 1_200;
/** Asterisk as a carrier: whoever logs in may call the numbers of [callee]. */
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
[lines]
exten => 5003,1,Dial(PJSIP/phone)

[callee]
exten => declines,1,Ringing()
 same => n,Wait(1)
 same => n,Hangup(21)
exten => early,1,Progress()
 same => n,Playback(hello-world,noanswer)
 same => n,Answer()
 same => n,Wait(20)
`;

let server: ServerUnderTest;
let asterisk: Asterisk;
const deployments: Record<string, string> = {};

beforeAll(async () => {
  server = await startServer({ settings: testAssistant() });
  const { http, audioSocket, sip, assistantId, apiKey } = server;
  const files = {
    'pjsip.conf': `${await configTemplate('pjsip.conf')}${TRUNK}`,
    'extensions.conf': `${await configTemplate('extensions.conf')}${CALLEES}`,
  };
  asterisk = await startAsterisk({ http, audioSocket, sip, assistantId, apiKey }, { files });
  await line('good', TRUNK_PASSWORD);
  await line('wrong', 'another-password');
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe('a call that we place over a SIP trunk, to a real Asterisk 22 that challenges', () => {
  test('is answered and greeted, and our hang-up leaves no channel there', async () => {
    const contextId = await call('answer');
    await until(contextId, (status, turns) => status === 'live' && turns > 0);

    await post(`/v1/calls/${contextId}/end`, {});

    const { call: ended, turns } = await server.endedCall(contextId);
    expect(ended).toMatchObject({ channel: 'sip', direction: 'outbound', endReason: 'assistant_hung_up' });
    expect(turns[0]).toMatchObject({ role: 'assistant', text: SAID.menu });
    await noChannels();
  });

  test('is answered after early media', async () => {
    const contextId = await call('early');
    await until(contextId, (status, turns) => status === 'live' && turns > 0);

    await post(`/v1/calls/${contextId}/end`, {});

    expect((await server.endedCall(contextId)).call.endReason).toBe('assistant_hung_up');
    await noChannels();
  });

  test('ends when the callee hangs up', async () => {
    const { call: ended } = await server.endedCall(await call('hangsup'), 20_000);

    expect(ended).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
  });

  test.each([
    ['busy', 'busy'],
    ['declines', 'rejected'],
    ['unallocated', 'carrier_failed'],
  ])('%s is %s', async (number, endReason) => {
    const { call: ended } = await server.endedCall(await call(number), 20_000);

    expect(ended).toMatchObject({ status: 'failed', endReason });
    await noChannels();
  });

  test('is cancelled when nobody takes it in time', async () => {
    const contextId = await call('noanswer', { ringTimeoutSeconds: 5 });
    await until(contextId, (status) => status === 'ringing');

    const { call: ended } = await server.endedCall(contextId, 20_000);

    expect(ended).toMatchObject({ status: 'failed', endReason: 'no_answer' });
    await noChannels();
  });

  test('is taken back while it rings', async () => {
    const contextId = await call('noanswer');
    await until(contextId, (status) => status === 'ringing');

    await post(`/v1/calls/${contextId}/end`, {});

    expect((await server.endedCall(contextId)).call).toMatchObject({ status: 'failed', endReason: 'cancelled' });
    await noChannels();
  });

  test('with a wrong password is not tried again', async () => {
    const contextId = await call('answer', { deploymentId: deployments['wrong'] });

    expect((await server.endedCall(contextId, 20_000)).call).toMatchObject({
      status: 'failed',
      endReason: 'carrier_failed',
    });
  });
});

describe("a call that we place to Debian's baresip, which has registered", () => {
  test('is answered, greeted, led by keys, and ended by the assistant', async () => {
    const [host = '', port = ''] = server.sip.split(':');
    const login = { username: server.assistantId, password: server.apiKey };
    const says = { samples: new Int16Array(8_000 * 60), sampleRate: 8_000 };
    const target = { host, port: Number(port), user: 'desk', login };
    await using phone = await startBaresip({ target, says, registerSeconds: 60 });
    await phone.registered();

    const contextId = await call('desk');
    await phone.happened('CALL_INCOMING');
    phone.accept();
    await phone.heardOut(QUIET_MS);
    await phone.press('1');
    await phone.happened('CALL_CLOSED');
    const record = (await server.endedCall(contextId)) as CallRecord;

    expect(record.call).toMatchObject({ direction: 'outbound', endReason: 'assistant_hung_up' });
    expect(record.dtmf).toBe('1');
    expect(record.turns.at(-1)).toMatchObject({ text: SAID.billing, heardText: SAID.billing });
  });
});

describe('an account at Asterisk that we register with', () => {
  test('is registered, and a call to it is answered without a password', async () => {
    const { login } = asterisk.phoneTo('');
    const values = { host: '127.0.0.1', port: asterisk.ports.sip, transport: 'udp', register: 'true', ...login };
    const credential = await post('/v1/credentials', { provider: 'sip', name: 'account', values });
    const wish = { assistantId: server.assistantId, channel: 'sip', name: 'account', credentialId: credential['id'] };
    await post('/v1/deployments', wish);
    await expect.poll(() => asterisk.cli('pjsip show contacts'), { timeout: 20_000 }).toContain('phone/sip:line-');

    const { heard } = await callLocally(asterisk, { number: '5003', steps: ['Wait(4)'] });
    const record = await server.endedCall(await server.lastContextId());

    expect(record.call).toMatchObject({ channel: 'sip', direction: 'inbound', endReason: 'caller_hung_up' });
    expect(record.turns[0]?.text).toBe(SAID.menu);
    expect(heard.samples.some((sample) => Math.abs(sample) > 2_000)).toBe(true);
    expect((await server.metrics()).values.get('sip_registrations{state="registered"}')).toBe(1);
    expect(await post(`/v1/credentials/${credential['id']}/verify`, {})).toEqual({
      isAccepted: true,
      detail: 'registered: calls to it come to us',
    });
    const stranger = { ...values, password: 'another-password' };
    const wrong = await post('/v1/credentials', { provider: 'sip', name: 'stranger', values: stranger });
    expect(await post(`/v1/credentials/${wrong['id']}/verify`, {})).toMatchObject({ isAccepted: false });
    expect(await asterisk.cli('pjsip show contacts')).toContain('phone/sip:line-');
  }, 60_000);
});

async function line(name: string, password: string): Promise<void> {
  const values = {
    host: '127.0.0.1',
    port: asterisk.ports.sip,
    transport: 'udp',
    username: 'assistant-line',
    password,
  };
  const credential = await post('/v1/credentials', { provider: 'sip', name, values });
  const wish = { assistantId: server.assistantId, channel: 'sip', name, credentialId: credential['id'] };
  deployments[name] = (await post('/v1/deployments', wish))['id'] as string;
}

async function call(toNumber: string, options: object = {}): Promise<string> {
  const answer = await post('/v1/talk/create-phone-call', {
    assistant: { assistantId: server.assistantId },
    toNumber,
    options: { deploymentId: deployments['good'], ringTimeoutSeconds: 30, ...options },
  });
  return (answer['data'] as { contextId: string }).contextId;
}

async function until(contextId: string, isThere: (status: string, turns: number) => boolean): Promise<void> {
  await expect
    .poll(
      async () => {
        const { call: now, turns } = (await server.get(`/v1/calls/${contextId}`)) as CallRecord;
        return isThere(now.status, turns.length) ? 'there' : now.status;
      },
      { timeout: 15_000 },
    )
    .toBe('there');
}

async function noChannels(): Promise<void> {
  await expect.poll(() => asterisk.cli('core show channels count'), { timeout: 5_000 }).toContain('0 active channels');
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
