import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, apiWorld } from './api-world.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  EXOTEL_VALUES,
  SIGNATURE_SECRET,
  TWILIO_VALUES,
  twilioForm,
  VONAGE_VALUES,
  vonageJson,
} from './signed-requests.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

let count = 0;
const callSid = () => `CA${String(++count).padStart(32, '0')}`;
const uuid = () => `uuid-${++count}`;
const status = async (path: string, init?: RequestInit) => (await world.ask(path, init)).status;
const callsOf = async (projectId: string) =>
  (await world.storage.calls.list({ projectId: projectId as never, limit: 100 })).calls;

describe('Twilio', () => {
  const setUp = async (values: Record<string, string> | null = TWILIO_VALUES) => {
    const assistant = await world.project();
    if (values) await world.credential(assistant.projectId, 'twilio', values);
    return { ...assistant, path: `/v1/talk/twilio/call/${assistant.assistantId}` };
  };
  const fields = (sid = callSid()) => ({
    CallSid: sid,
    AccountSid: ACCOUNT_SID,
    From: '+15550001',
    To: '+15550002',
    CallStatus: 'ringing',
  });

  test("a signed webhook gets the manual's document, and the call its account", async () => {
    const { path, projectId, assistantId } = await setUp();

    const answer = await world.ask(path, twilioForm(path, fields()));

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/xml; charset=utf-8');
    const [call] = await callsOf(projectId);
    const text = await answer.text();
    expect(text).toContain(`<Stream url="wss://voice.example.com/v1/talk/twilio/ctx/${call?.contextId}"`);
    expect(text).toContain(`name="${assistantId}__${call?.conversationId}"`);
    expect(call).toMatchObject({ from: '+15550001', to: '+15550002', isUnverified: false, status: 'ringing' });
  });

  test('the same webhook again gets the same document, byte for byte', async () => {
    const { path } = await setUp();
    const form = twilioForm(path, fields());

    const answers = await Promise.all([world.ask(path, form), world.ask(path, form), world.ask(path, form)]);

    const texts = new Set(await Promise.all(answers.map((answer) => answer.text())));
    expect(texts.size).toBe(1);
  });

  test.each([
    ['a field that was changed', { From: '+15559999' }, AUTH_TOKEN],
    ['the token of another account', {}, 'another-token-0000000000'],
  ])('%s is refused, and the log says which part without a secret', async (_, changes, token) => {
    const { path, projectId } = await setUp();
    const form = twilioForm(path, fields(), token);
    const forged = { ...form, body: new URLSearchParams({ ...fields('CA0'), ...changes }) };

    const answer = await world.ask(path, token === AUTH_TOKEN ? forged : form);

    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([403, 'wrong_signature']);
    const line = world.log.entries.findLast(({ event }) => event === 'webhook.refused');
    expect(line?.fields).toMatchObject({ channel: 'twilio', difference: 'url_or_fields' });
    expect(JSON.stringify(world.log.entries)).not.toMatch(/the-auth-token|another-token/);
    expect(await callsOf(projectId)).toEqual([]);
  });

  test('no signature, no key', async () => {
    const { path } = await setUp();

    expect(await status(path, { method: 'POST', body: new URLSearchParams(fields()) })).toBe(403);
  });

  test('a project without an account of Twilio takes no signature at all', async () => {
    const { path } = await setUp(null);

    expect(await status(path, twilioForm(path, fields()))).toBe(403);
    expect(await status(path, { method: 'POST', body: new URLSearchParams(fields()) })).toBe(403);
  });

  test('an API key opens a call without any signature, a wrong one is 401', async () => {
    const { path, projectId } = await setUp(null);
    const key = await world.key(projectId, 'talk');

    expect(await status(`${path}?From=%2B1555&x-api-key=${key}`)).toBe(200);
    expect(await status(`${path}?From=%2B1555&x-api-key=rpd-nonsense`)).toBe(401);
  });

  test('a wrong signature is refused even beside a right key', async () => {
    const { path, projectId } = await setUp();
    const key = await world.key(projectId, 'talk');
    const form = twilioForm(path, fields(), 'another-token-0000000000');
    const headers = { ...(form.headers as Record<string, string>), 'x-api-key': key };

    expect(await status(path, { ...form, headers })).toBe(403);
  });

  test("the manual's bare curl is told what is missing", async () => {
    const { path } = await setUp();

    expect(await status(path)).toBe(422);
  });

  test('a signed GET is as good as a POST', async () => {
    const { path } = await setUp();
    const target = `${path}?CallSid=${callSid()}&AccountSid=${ACCOUNT_SID}&From=%2B15550001`;
    const { headers } = twilioForm(target, {});

    expect(await status(target, { headers: headers ?? {} })).toBe(200);
  });

  test("of several accounts the one the webhook names, and a deployment's own alone", async () => {
    const { path, projectId, assistantId } = await setUp();
    const other = { account_sid: `AC${'a'.repeat(32)}`, account_token: 'other-token-00000000' };
    const { id: credentialId } = await world.credential(projectId, 'twilio', other);

    expect(
      await status(path, twilioForm(path, { ...fields(), AccountSid: other.account_sid }, other.account_token)),
    ).toBe(200);
    expect(await status(path, twilioForm(path, fields()))).toBe(200);

    await world.deployment(projectId, { assistantId, channel: 'twilio', number: '+1 (555) 0002', credentialId });

    expect(await status(path, twilioForm(path, fields()))).toBe(403);
    expect(await status(path, twilioForm(path, { ...fields(), To: '+15550003' }))).toBe(200);
  });
});

describe('Vonage', () => {
  const setUp = async (hasSecret: boolean) => {
    const assistant = await world.project();
    const values = { ...VONAGE_VALUES, ...(hasSecret && { signature_secret: SIGNATURE_SECRET }) };
    await world.credential(assistant.projectId, 'vonage', values);
    return { ...assistant, path: `/v1/talk/vonage/call/${assistant.assistantId}` };
  };
  const json = (body: object): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

  test("a signed webhook gets the manual's NCCO, key for key", async () => {
    const { path, projectId } = await setUp(true);

    const answer = await world.ask(path, await vonageJson({ from: '15550001', to: '15550002', uuid: uuid() }));

    const [call] = await callsOf(projectId);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual([
      {
        action: 'connect',
        endpoint: [
          {
            type: 'websocket',
            uri: `wss://voice.example.com/v1/talk/vonage/ctx/${call?.contextId}`,
            'content-type': 'audio/l16;rate=16000',
          },
        ],
      },
    ]);
    expect(call).toMatchObject({ from: '15550001', isUnverified: false });
  });

  test('where a secret is stored, an unsigned or forged webhook is refused', async () => {
    const { path } = await setUp(true);
    const body = { from: '15550001', uuid: uuid() };

    expect(await status(path, json(body))).toBe(403);
    expect(await status(path, await vonageJson(body, {}, 'not the secret of the account'))).toBe(403);
    expect(await status(path, await vonageJson(body, { iat: 1_000 }))).toBe(403);
  });

  test('without a secret the call is served, marked, and the carrier asked', async () => {
    const { path, projectId } = await setUp(false);

    expect(await status(path, json({ from: '15550001', uuid: 'known-call' }))).toBe(200);

    await expect.poll(() => world.log.entries.some(({ event }) => event === 'call.vouched')).toBe(true);
    expect(await callsOf(projectId)).toMatchObject([{ isUnverified: true, status: 'ringing' }]);
  });

  test('a call the carrier does not know ends as rejected', async () => {
    const { path, projectId } = await setUp(false);

    expect(await status(path, json({ from: '15550001', uuid: 'made-up' }))).toBe(200);

    await expect.poll(async () => (await callsOf(projectId))[0]?.endReason).toBe('rejected');
    expect(world.asked.callId).toBe('made-up');
  });

  test('five of those at once, and a repeated one counts once', async () => {
    const { path } = await setUp(false);
    const five = Array.from({ length: 5 }, () => uuid());
    world.asked.known = new Set(['known-call', ...five]);

    for (const id of five) expect(await status(path, json({ from: '1', uuid: id }))).toBe(200);

    expect(await status(path, json({ from: '1', uuid: five[0] }))).toBe(200);
    expect(await status(path, json({ from: '1', uuid: uuid() }))).toBe(429);
  });

  test('a call without an id cannot be asked about, so it is refused', async () => {
    const { path } = await setUp(false);

    expect(await status(path, json({ from: '15550001' }))).toBe(403);
  });

  test.each([
    ['enforce', 403],
    ['log', 200],
    ['off', 200],
  ])('a deployment with verify: %s answers an unsigned one with %i', async (verify, expected) => {
    const { path, projectId, assistantId } = await setUp(true);
    await world.deployment(projectId, { assistantId, channel: 'vonage', settings: { verify } });

    expect(await status(path, json({ from: '1', uuid: uuid() }))).toBe(expected);
    expect(await status(path, await vonageJson({ from: '1', uuid: uuid() }, {}, 'not the secret of the account'))).toBe(
      403,
    );
  });
});

describe('Exotel', () => {
  const setUp = async (settings: Record<string, unknown> | null = null) => {
    const assistant = await world.project();
    await world.credential(assistant.projectId, 'exotel', EXOTEL_VALUES);
    const { assistantId, projectId } = assistant;
    if (settings) await world.deployment(projectId, { assistantId, channel: 'exotel', settings });
    return { ...assistant, path: `/v1/talk/exotel/call/${assistantId}` };
  };
  const basic = (login: string) => ({ headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` } });
  const query = () => `?CallSid=exo-${++count}&CallFrom=09812345678&CallTo=08012345678`;

  test('a password in the URL vouches, a wrong one never', async () => {
    const { path, projectId } = await setUp();

    expect(await status(path + query(), basic('exotel-key-0001:exotel-token-0002'))).toBe(200);
    expect(await status(path + query(), basic('exotel-key-0001:wrong'))).toBe(403);
    expect(await callsOf(projectId)).toMatchObject([{ isUnverified: false, from: '09812345678' }]);
  });

  test('without one the call is served and asked about', async () => {
    const { path, projectId } = await setUp();

    expect(await status(`${path}?CallSid=unheard-of&CallFrom=1`)).toBe(200);

    await expect.poll(async () => (await callsOf(projectId))[0]?.endReason).toBe('rejected');
  });

  test('an address that is allowed vouches, all others are refused', async () => {
    const inside = await setUp({ allowed_addresses: ['127.0.0.0/8', '::1'] });
    const outside = await setUp({ allowed_addresses: ['203.0.113.0/24'] });

    expect(await status(inside.path + query())).toBe(200);
    expect(await status(outside.path + query(), basic('exotel-key-0001:exotel-token-0002'))).toBe(403);
    expect(await callsOf(inside.projectId)).toMatchObject([{ isUnverified: false }]);
  });

  test('a deployment may fix the form of the answer', async () => {
    const { path } = await setUp({ response: 'json', verify: 'off', audio: 'mulaw' });

    const answer = await world.ask(`${path}${query()}&format=xml`);

    expect(answer.headers.get('content-type')).toMatch('application/json');
    expect(await answer.text()).toMatch(/^\{"url":"wss:.*\?audio=mulaw"\}$/);
  });
});

describe('Asterisk', () => {
  test('only a key opens calls, and a deployment is found by the called number', async () => {
    const { projectId, assistantId } = await world.project();
    const key = await world.key(projectId, 'talk');
    const path = `/v1/talk/asterisk/call/${assistantId}`;
    const { id } = await world.deployment(projectId, { assistantId, channel: 'asterisk', number: '1000' });

    expect(await status(`${path}?from=1&to=1000`)).toBe(403);
    expect(await status(`${path}?from=1&to=1000&x-api-key=${key}`)).toBe(200);
    expect(await callsOf(projectId)).toMatchObject([{ deploymentId: id }]);
  });
});

describe('without PUBLIC_ASSISTANT_HOST', () => {
  test('Twilio, Vonage and Exotel are told what is missing; Asterisk works', async () => {
    await using hostless = await apiWorld({ publicHost: null });
    const { projectId, assistantId } = await hostless.project();
    const key = await hostless.key(projectId, 'talk');

    for (const provider of ['twilio', 'vonage', 'exotel']) {
      const answer = await hostless.ask(`/v1/talk/${provider}/call/${assistantId}?from=1&x-api-key=${key}`);

      expect([provider, answer.status]).toEqual([provider, 503]);
      expect(await answer.text()).toContain('PUBLIC_ASSISTANT_HOST');
    }
    const answer = await hostless.ask(`/v1/talk/asterisk/call/${assistantId}?from=1&x-api-key=${key}`);
    expect(answer.status).toBe(200);
    expect((await hostless.storage.calls.list({ projectId, limit: 10 })).calls).toHaveLength(1);
  });
});
