import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, apiWorld } from './api-world.ts';
import {
  ACCOUNT_SID,
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
const NODE = 'node-1' as never;

async function openTwilioCall(values: Record<string, string> = TWILIO_VALUES) {
  const assistant = await world.project();
  await world.credential(assistant.projectId, 'twilio', values);
  const callSid = `CAevent${++count}`;
  const path = `/v1/talk/twilio/call/${assistant.assistantId}`;
  const answer = await world.ask(path, twilioForm(path, { CallSid: callSid, AccountSid: ACCOUNT_SID, From: '1' }));
  expect(answer.status).toBe(200);
  const [call] = (await world.storage.calls.list({ projectId: assistant.projectId, limit: 1 })).calls;
  if (!call) throw new Error('no call was opened');
  const report = async (fields: Record<string, string>, contextId: string = call.contextId) => {
    const target = `/v1/talk/twilio/ctx/${encodeURIComponent(contextId)}/event`;
    const form = twilioForm(target, { CallSid: callSid, AccountSid: ACCOUNT_SID, ...fields });
    return (await world.ask(target, form)).status;
  };
  const now = async () => {
    const detail = await world.storage.calls.get(assistant.projectId, call.contextId);
    return `${detail?.call.status} ${detail?.call.endReason ?? ''}`.trim();
  };
  return { ...assistant, ...call, callSid, report, now };
}

describe("Twilio's status callbacks", () => {
  test.each([
    ['ringing', 'ringing'],
    ['in-progress', 'live'],
    ['busy', 'failed busy'],
    ['no-answer', 'failed no_answer'],
    ['canceled', 'failed cancelled'],
    ['failed', 'failed carrier_failed'],
    ['completed', 'failed never_connected'],
    ['something-new', 'ringing'],
  ])('%s makes the call %s', async (CallStatus, expected) => {
    const call = await openTwilioCall();

    expect(await call.report({ CallStatus })).toBe(200);

    expect(await call.now()).toBe(expected);
  });

  test('out of order and repeated: what is over stays over, and what is live does not ring again', async () => {
    const call = await openTwilioCall();

    for (const CallStatus of ['in-progress', 'ringing', 'busy', 'in-progress', 'completed', 'ringing', 'busy']) {
      expect(await call.report({ CallStatus })).toBe(200);
    }

    expect(await call.now()).toBe('failed busy');
  });

  test('the literal placeholder of a console is found by the call id', async () => {
    const call = await openTwilioCall();

    expect(await call.report({ CallStatus: 'busy' }, '{contextId}')).toBe(200);

    expect(await call.now()).toBe('failed busy');
  });

  test('an authentic report of an unknown call is nobody’s, and fine', async () => {
    const call = await openTwilioCall();

    expect(await call.report({ CallSid: 'CAnobody', CallStatus: 'busy' }, '{contextId}')).toBe(204);
  });

  test('a forged one is refused and changes nothing, whether the call is known or not', async () => {
    const call = await openTwilioCall();
    const target = `/v1/talk/twilio/ctx/${call.contextId}/event`;
    const fields = { CallSid: call.callSid, AccountSid: ACCOUNT_SID, CallStatus: 'completed' };
    const unknown = '/v1/talk/twilio/event';

    expect((await world.ask(target, twilioForm(target, fields, 'not-the-token'))).status).toBe(403);
    expect((await world.ask(target, { method: 'POST', body: new URLSearchParams(fields) })).status).toBe(403);
    expect((await world.ask(unknown, twilioForm(unknown, { ...fields, CallSid: 'x' }, 'not-the-token'))).status).toBe(
      403,
    );
    expect((await world.ask(unknown, { method: 'POST', body: new URLSearchParams({ CallSid: 'x' }) })).status).toBe(
      403,
    );

    expect(await call.now()).toBe('ringing');
  });

  test("another project's account cannot end the call", async () => {
    const call = await openTwilioCall();
    const stranger = await world.project();
    const account_sid = `AC${'b'.repeat(32)}`;
    await world.credential(stranger.projectId, 'twilio', { account_sid, account_token: 'strangers-token-0000' });
    const target = `/v1/talk/twilio/ctx/${call.contextId}/event`;
    const fields = { CallSid: call.callSid, AccountSid: account_sid, CallStatus: 'completed' };

    expect((await world.ask(target, twilioForm(target, fields, 'strangers-token-0000'))).status).toBe(403);

    expect(await call.now()).toBe('ringing');
  });

  test('stream events leave the state alone', async () => {
    const call = await openTwilioCall();

    expect(await call.report({ StreamEvent: 'stream-error', StreamError: 'x' })).toBe(200);

    expect(await call.now()).toBe('ringing');
  });

  test('the end of a live call is told to whoever holds it', async () => {
    const call = await openTwilioCall();
    await world.storage.calls.claim(call.contextId, 'twilio', NODE);

    expect(await call.report({ CallStatus: 'completed' })).toBe(200);

    expect(world.messages.at(-1)).toEqual({
      type: 'call.end',
      contextId: call.contextId,
      reason: 'caller_hung_up',
    });
    expect(await call.now()).toBe('live');
  });
});

describe("Vonage's events", () => {
  test('are taken signed, and refused unsigned where a secret is stored', async () => {
    const { projectId, assistantId } = await world.project();
    await world.credential(projectId, 'vonage', { ...VONAGE_VALUES, signature_secret: SIGNATURE_SECRET });
    const uuid = `event-${++count}`;
    await world.ask(`/v1/talk/vonage/call/${assistantId}`, await vonageJson({ from: '1', uuid }));
    const event = { uuid, status: 'rejected', application_id: 'app-1' };
    const plain = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) };

    expect((await world.ask('/v1/talk/vonage/event', plain)).status).toBe(403);
    expect((await world.ask('/v1/talk/vonage/event', await vonageJson(event))).status).toBe(200);

    expect((await world.storage.calls.list({ projectId, limit: 1 })).calls).toMatchObject([
      { status: 'failed', endReason: 'rejected' },
    ]);
  });

  test('of an unknown call, unsigned: nothing happens', async () => {
    const body = JSON.stringify({ uuid: 'nobody', status: 'completed' });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };

    expect((await world.ask('/v1/talk/vonage/ctx/%7BcontextId%7D/event', init)).status).toBe(204);
  });
});

describe("Exotel's callbacks", () => {
  test('in either form of body find their call', async () => {
    const { projectId, assistantId } = await world.project();
    await world.credential(projectId, 'exotel', EXOTEL_VALUES);
    const login = Buffer.from(`${EXOTEL_VALUES.api_key}:${EXOTEL_VALUES.api_secret}`).toString('base64');
    const headers = { authorization: `Basic ${login}` };
    const CallSid = `exo-event-${++count}`;
    await world.ask(`/v1/talk/exotel/call/${assistantId}?CallSid=${CallSid}&CallFrom=1`, { headers });
    const form = new FormData();
    form.append('CallSid', CallSid);
    form.append('Status', 'no-answer');

    expect((await world.ask('/v1/talk/exotel/event', { method: 'POST', headers, body: form })).status).toBe(200);

    expect((await world.storage.calls.list({ projectId, limit: 1 })).calls).toMatchObject([{ endReason: 'no_answer' }]);
  });
});
