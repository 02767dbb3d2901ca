import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { exotelCallWebhook } from '../../src/channels/exotel/call-webhook.ts';
import { exotelSettingsSchema } from '../../src/channels/exotel/credential-schema.ts';
import { exotelDialer } from '../../src/channels/exotel/dialer.ts';
import { assembleOutbound } from '../../src/composition/outbound.ts';
import type { ContextId, NodeId } from '../../src/core/ids.ts';
import { type ApiWorld, apiWorld } from './api-world.ts';
import { type CarrierReply, type CarrierRequest, fakeCarrier } from './fake-carriers.ts';
import { EXOTEL_VALUES } from './signed-requests.ts';

const TO = '+919876543210';
const EXOPHONE = '08047112233';
const PLACED: CarrierReply = { status: 200, body: { Call: { Sid: 'exotel-call-1', Status: 'in-progress' } } };

let answer: (request: CarrierRequest) => CarrierReply | 'hang_up';
let nowMs: number;
let carrier: Awaited<ReturnType<typeof fakeCarrier>>;
let world: ApiWorld;
beforeAll(async () => {
  carrier = await fakeCarrier((request) => refusal(request) ?? answer(request));
  const dialer = exotelDialer({ baseUrl: carrier.url, nowMs: () => nowMs });
  world = await apiWorld({
    channels: [{ name: 'exotel', settingsSchema: exotelSettingsSchema, webhook: exotelCallWebhook, dialer }],
  });
});
beforeEach(async () => {
  carrier.requests.length = 0;
  nowMs = Date.now();
  await world.sql(
    `update outbound_calls set state = 'done', lease_owner = null, lease_until = null where state <> 'placed'`,
  );
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await carrier[Symbol.asyncDispose]();
});

/** What Exotel's own front would say, of "Outgoing call to connect number to a call flow" and "Bulk call details". */
const TAKEN =
  /^(From|CallerId|Url|StreamUrl|StreamType|CallType|TimeOut|TimeLimit|StatusCallback|StatusCallbackEvents\[\d\]|StatusCallbackContentType|CustomField)$/;

function refusal({ method, path, authorization, body, query }: CarrierRequest): CarrierReply | null {
  const { api_key, api_secret, account_sid } = EXOTEL_VALUES;
  const fault = (status: number, Message: string) => ({ status, body: { RestException: { Status: status, Message } } });
  if (authorization !== `Basic ${Buffer.from(`${api_key}:${api_secret}`).toString('base64')}`) {
    return fault(401, 'Authentication failed');
  }
  if (method === 'GET') {
    return path === `/v1/Accounts/${account_sid}/Calls.json` && query.get('From') ? null : fault(404, 'Not found');
  }
  if (path !== `/v1/Accounts/${account_sid}/Calls/connect.json`) return fault(404, 'Not found');
  const form = new URLSearchParams(body);
  const unknown = [...form.keys()].find((key) => !TAKEN.test(key));
  if (unknown !== undefined) return fault(400, `Invalid parameter ${unknown}`);
  if (form.has('Url') === form.has('StreamUrl')) return fault(400, 'One of Url and StreamUrl');
  return form.get('From')?.startsWith('+') ? null : fault(400, 'Invalid From');
}

async function line(values: Record<string, string> = {}) {
  const { projectId, assistantId } = await world.project();
  await world.credential(projectId, 'exotel', { ...EXOTEL_VALUES, ...values });
  await world.deployment(projectId, { assistantId, channel: 'exotel', number: EXOPHONE });
  const key = await world.key(projectId, 'calls', 'talk');
  const headers = { 'x-api-key': key };
  const create = async (body: object = {}) => {
    const response = await world.ask('/v1/talk/create-phone-call', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ assistant: { assistantId }, toNumber: TO, options: { ringTimeoutSeconds: 40 }, ...body }),
    });
    return {
      status: response.status,
      body: (await response.json()) as { data: { contextId: ContextId }; detail: string },
    };
  };
  const call = async (contextId: ContextId) => (await world.storage.calls.get(projectId, contextId))?.call;
  const due = (contextId: ContextId) =>
    world.sql(`update outbound_calls set lease_until = now(), not_before = now() where context_id = '${contextId}'`);
  /** What the flow's applet asks once the callee has answered. */
  const applet = (contextId: ContextId) =>
    world.ask(
      `/v1/talk/exotel/call/${assistantId}?CallSid=exotel-call-1&CallFrom=${EXOPHONE}&CustomField=${contextId}`,
      {
        headers: { ...headers, accept: 'application/json' },
      },
    );
  return { create, call, due, applet, headers };
}

const place = () =>
  assembleOutbound({ ...world.parts, nodeId: 'node-a' as NodeId }).placeNextCall(AbortSignal.timeout(5_000));
const formOf = (request: CarrierRequest | undefined) => Object.fromEntries(new URLSearchParams(request?.body));

test('the callee is called first and led into the flow, which comes back for this very call', async () => {
  const { create, call, applet } = await line({ app_id: '1117620' });
  answer = () => PLACED;
  const { contextId } = (await create()).body.data;

  await place();

  expect(carrier.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /v1/Accounts/exo1/Calls/connect.json',
  ]);
  expect(formOf(carrier.requests[0])).toEqual({
    From: TO,
    CallerId: EXOPHONE,
    Url: 'http://my.exotel.com/exo1/exoml/start_voice/1117620',
    CallType: 'trans',
    TimeOut: '40',
    TimeLimit: '1800',
    StatusCallback: `https://voice.example.com/v1/talk/exotel/ctx/${contextId}/event`,
    'StatusCallbackEvents[0]': 'terminal',
    'StatusCallbackEvents[1]': 'answered',
    StatusCallbackContentType: 'application/json',
    CustomField: contextId,
  });
  expect(await call(contextId)).toMatchObject({ status: 'ringing', providerCallId: 'exotel-call-1' });
  expect(await (await applet(contextId)).json()).toEqual({
    url: `wss://voice.example.com/v1/talk/exotel/ctx/${contextId}`,
  });
});

test('without a flow the call streams straight to us', async () => {
  const { create } = await line();
  answer = () => PLACED;
  const { contextId } = (await create()).body.data;

  await place();

  expect(formOf(carrier.requests[0])).toMatchObject({
    StreamUrl: `wss://voice.example.com/v1/talk/exotel/ctx/${contextId}`,
    StreamType: 'bidirectional',
  });
});

test.each([
  ['busy', 'busy'],
  ['no-answer', 'no_answer'],
  ['failed', 'carrier_failed'],
])('the callback "%s" ends the call as %s', async (Status, endReason) => {
  const { create, call, headers } = await line();
  answer = () => PLACED;
  const { contextId } = (await create()).body.data;
  await place();

  const response = await world.ask(`/v1/talk/exotel/ctx/${contextId}/event`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({
      CallSid: 'exotel-call-1',
      EventType: 'terminal',
      Status,
      CustomField: contextId,
      Legs: [{}],
    }),
  });

  expect(response.status).toBeLessThan(300);
  expect(await call(contextId)).toMatchObject({ endReason });
});

test('a refusal ends the call with its status and never with the number; too many requests are waited for', async () => {
  const { create, call } = await line();
  answer = () => ({ status: 403, body: { RestException: { Status: 403, Message: `${TO} is in NDNC` } } });
  const refused = (await create()).body.data.contextId;
  await place();
  const late = (await create()).body.data.contextId;
  answer = () => ({ status: 429, headers: { 'retry-after': '7' } });
  await world.sql('update credentials set next_dial_at = now()');
  await place();

  expect(await call(refused)).toMatchObject({ status: 'failed', endReason: 'carrier_failed' });
  const [row] = await world.sql(
    `select state, last_error, extract(epoch from not_before - now()) as wait from outbound_calls where context_id = '${late}'`,
  );
  expect(row).toMatchObject({ state: 'queued', last_error: 'Exotel answered 429' });
  expect(Number(row?.['wait'])).toBeGreaterThan(5);
  expect(JSON.stringify(world.log.entries)).not.toContain(TO);
});

test('after a lost answer nothing is dialled again while the call may ring; once listed, it is that call', async () => {
  const { create, call, due } = await line();
  const { contextId } = (await create()).body.data;
  answer = () => 'hang_up';
  await place();
  const created = (atMs: number) => new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
  const indianMs = nowMs + 5.5 * 3_600_000;
  answer = () => ({
    status: 200,
    body: { Calls: [{ Sid: 'yesterday', DateCreated: created(indianMs - 90_000_000) }] },
  });
  await due(contextId);
  await place();
  const afterOneLook = await call(contextId);

  answer = () => ({
    status: 200,
    body: {
      Calls: [
        { Sid: 'yesterday', DateCreated: created(indianMs - 90_000_000) },
        { Sid: 'ours', DateCreated: created(indianMs) },
      ],
    },
  });
  await due(contextId);
  await place();

  expect(afterOneLook).toMatchObject({ status: 'queued' });
  expect(carrier.requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
  expect(Object.fromEntries(carrier.requests[1]?.query ?? [])).toEqual({
    From: TO,
    Direction: 'outbound-api',
    PageSize: '100',
  });
  expect(await call(contextId)).toMatchObject({ status: 'ringing', providerCallId: 'ours' });
});

test('a list that stays empty until the call must be over is believed, and the call is placed', async () => {
  const { create, call, due } = await line();
  const { contextId } = (await create()).body.data;
  answer = ({ method }) => (method === 'POST' ? 'hang_up' : { status: 200, body: { Calls: [] } });
  await place();
  nowMs += 40_000 + 61_000;
  await due(contextId);
  await place();
  answer = () => PLACED;
  await due(contextId);
  await world.sql('update credentials set next_dial_at = now()');
  await place();

  expect(carrier.requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST']);
  expect(await call(contextId)).toMatchObject({ status: 'ringing', providerCallId: 'exotel-call-1' });
});

test('a call that was cancelled while it rang is not served when the callee answers after all', async () => {
  const { create, call, applet, headers } = await line({ app_id: '1117620' });
  answer = () => PLACED;
  const { contextId } = (await create()).body.data;
  await place();
  await world.ask(`/v1/calls/${contextId}/end`, { method: 'POST', headers });

  const response = await applet(contextId);

  expect(await call(contextId)).toMatchObject({ status: 'failed', endReason: 'cancelled' });
  expect(response.status).toBe(410);
  expect(world.log.events).toContain('call.hangup_failed');
});

test('what cannot be placed is told in words before anything is stored', async () => {
  const { create } = await line();

  const noCaller = await create({ fromNumber: 'reception' });

  expect(noCaller).toMatchObject({ status: 422, body: { detail: expect.stringContaining('ExoPhone') } });
});
