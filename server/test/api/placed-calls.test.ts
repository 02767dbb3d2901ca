import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContextId, NodeId } from '../../src/core/ids.ts';
import { startJobs } from '../../src/jobs/start-jobs.ts';
import { realClock } from '../fakes/real-clock.ts';
import { type DiallingWorld, diallingWorld, NODE, placed } from './dialling-world.ts';
import { ACCOUNT_SID, TWILIO_VALUES, twilioForm } from './signed-requests.ts';

let world: DiallingWorld;
beforeAll(async () => {
  world = await diallingWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

describe('over Asterisk', () => {
  test('ARI is asked for the channel named after the call, with the variable the dialplan reads', async () => {
    const { queued, call } = await world.line('asterisk');
    const contextId = await queued({ options: { ringTimeoutSeconds: 20 } });
    world.now.answer = placed;

    expect(await world.place()).toBe(true);

    expect(world.carrier.requests).toMatchObject([
      {
        method: 'POST',
        path: `/ari/channels/rapida-${contextId}`,
        authorization: `Basic ${btoa('ari:ari-password-0000')}`,
      },
    ]);
    expect(JSON.parse(world.carrier.requests[0]?.body ?? '')).toEqual({
      endpoint: 'PJSIP/+14155552671@trunk',
      context: 'rapida-outbound',
      extension: 's',
      priority: 1,
      timeout: 20,
      callerId: '+14155550100',
      variables: { RAPIDA_CONTEXT_ID: contextId },
    });
    expect(await call(contextId)).toBe('ringing');
    expect(await world.place()).toBe(false);
  });

  test('the websocket transport goes to its own context', async () => {
    const { queued } = await world.line('asterisk', { transport: 'websocket' });
    await queued();
    world.now.answer = placed;

    await world.place();

    expect(JSON.parse(world.carrier.requests[0]?.body ?? '').context).toBe('rapida-outbound-ws');
  });

  test('the media that comes for it is its own', async () => {
    const { queued, call } = await world.line('asterisk');
    const contextId = await queued();
    world.now.answer = placed;
    await world.place();

    const claimed = await world.storage.calls.claim(contextId, 'asterisk', NODE);

    expect(claimed).toMatchObject({ direction: 'outbound', to: '+14155552671' });
    expect(await call(contextId)).toBe('live');
  });

  test('an answer that was lost is followed by a look, not by a second call', async () => {
    const { queued, call, hurry } = await world.line('asterisk');
    const contextId = await queued();
    world.now.answer = () => 'hang_up';
    await world.place();
    expect(await call(contextId)).toBe('queued');
    world.now.answer = placed;
    await hurry();

    await world.place();

    expect(world.carrier.requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
    expect(await call(contextId)).toBe('ringing');
  });

  test('one that was never placed is dialled again', async () => {
    const { queued, call, hurry } = await world.line('asterisk');
    const contextId = await queued();
    world.now.answer = () => 'hang_up';
    await world.place();
    world.now.answer = (request) => (request.method === 'GET' ? { status: 404, body: {} } : placed(request));

    for (let round = 0; round < 2; round++) {
      await hurry();
      await world.place();
    }

    expect(world.carrier.requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST']);
    expect(await call(contextId)).toBe('ringing');
  });

  test('a node that died while dialling: another one looks first', async () => {
    const { queued, call, hurry } = await world.line('asterisk');
    const contextId = await queued();
    const dead = 'node-dead' as NodeId;
    await world.storage.outbound.take(dead, 30_000, contextId);
    await world.storage.outbound.placing(contextId, dead);
    expect(await world.place()).toBe(false);
    await hurry();
    world.now.answer = placed;

    await world.place('node-b' as NodeId);

    expect(world.carrier.requests.map(({ method }) => method)).toEqual(['GET']);
    expect(await call(contextId)).toBe('ringing');
  });

  test('a refusal ends the call; a busy Asterisk is asked again', async () => {
    const { queued, call, hurry } = await world.line('asterisk');
    const refused = await queued();
    world.now.answer = () => ({ status: 400, body: { message: 'Endpoint not found' } });
    await world.place();
    const busy = await queued();
    world.now.answer = () => ({ status: 500, body: { error: 'Allocation failed' } });
    await world.place();
    expect(await call(busy)).toBe('queued');
    world.now.answer = placed;
    await hurry();

    await world.place();

    expect(await call(refused)).toBe('failed carrier_failed');
    expect(await call(busy)).toBe('ringing');
  });

  test('ten nodes at once place each call once', async () => {
    const { queued, projectId } = await world.line('asterisk', {
      max_concurrent_calls: 100,
      max_calls_per_minute: 100,
    });
    const ids = await Promise.all(Array.from({ length: 8 }, () => queued()));
    world.now.answer = placed;

    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        while (await world.place(`node-${index}` as NodeId));
      }),
    );

    expect(world.carrier.requests.map(({ path }) => path).sort()).toEqual(
      ids.map((id) => `/ari/channels/rapida-${id}`).sort(),
    );
    const { calls } = await world.storage.calls.list({ projectId, limit: 20 });
    expect(new Set(calls.map(({ status }) => status))).toEqual(new Set(['ringing']));
  });

  test('no more calls in a minute, and at once, than the line may place', async () => {
    const perMinute = await world.line('asterisk', { max_calls_per_minute: 2 });
    for (let count = 0; count < 3; count++) await perMinute.queued();
    world.now.answer = placed;
    for (let count = 0; count < 4; count++) await world.place();
    expect(world.carrier.requests).toHaveLength(2);

    const atOnce = await world.line('asterisk', { max_concurrent_calls: 1 });
    const first = await atOnce.queued();
    await atOnce.queued();
    world.now.answer = placed;
    for (let count = 0; count < 3; count++) await world.place();
    expect(world.carrier.requests).toHaveLength(1);
    await world.storage.calls.end(first, 'no_answer');
    await atOnce.hurry();
    await world.place();
    expect(world.carrier.requests).toHaveLength(2);
  });

  test('a queued call that is ended is never dialled, a ringing one is hung up', async () => {
    const { queued, call, key, hurry } = await world.line('asterisk');
    const end = (id: ContextId) => world.ask(`/v1/calls/${id}/end`, { method: 'POST', headers: { 'x-api-key': key } });
    const waiting = await queued();
    expect((await end(waiting)).status).toBe(202);
    world.now.answer = placed;
    await hurry();
    expect(await world.place()).toBe(false);
    const ringing = await queued();
    await world.place();
    world.now.answer = () => ({ status: 204 });

    await end(ringing);

    await expect.poll(() => world.carrier.requests.at(-1)?.method).toBe('DELETE');
    expect(world.carrier.requests.map(({ path }) => path)).toEqual(Array(2).fill(`/ari/channels/rapida-${ringing}`));
    expect([await call(waiting), await call(ringing)]).toEqual(['failed cancelled', 'failed cancelled']);
  });

  test('nobody answers: the call ends as no_answer when its ringing is over', async () => {
    const { queued, call } = await world.line('asterisk');
    const contextId = await queued({ options: { ringTimeoutSeconds: 5 } });
    world.now.answer = placed;
    await world.place();
    await world.work().endUnanswered();
    expect(await call(contextId)).toBe('ringing');
    await world.sql(
      `update outbound_calls set placed_at = now() - interval '20 seconds' where context_id = '${contextId}'`,
    );

    await world.work().endUnanswered();

    expect(await call(contextId)).toBe('failed no_answer');
  });
});

describe('over Twilio', () => {
  const sid = () => `CA${randomUUID().replaceAll('-', '')}`;

  test('one request holds the document, the limits and where to report', async () => {
    const { queued, call } = await world.line('twilio');
    const contextId = await queued({
      options: { ringTimeoutSeconds: 25, maxDurationSeconds: 600, machineDetection: true },
    });
    const callSid = sid();
    world.now.answer = () => ({ status: 201, body: { sid: callSid, status: 'queued' } });

    await world.place();

    const [request] = world.carrier.requests;
    const form = new URLSearchParams(request?.body);
    expect(request).toMatchObject({
      method: 'POST',
      path: `/2010-04-01/Accounts/${ACCOUNT_SID}/Calls.json`,
      authorization: `Basic ${btoa(`${ACCOUNT_SID}:${TWILIO_VALUES.account_token}`)}`,
    });
    expect(Object.fromEntries(form)).toMatchObject({
      To: '+14155552671',
      From: '+14155550100',
      Timeout: '25',
      TimeLimit: '600',
      StatusCallback: `https://voice.example.com/v1/talk/twilio/ctx/${contextId}/event`,
      MachineDetection: 'Enable',
      AsyncAmd: 'true',
    });
    expect(form.getAll('StatusCallbackEvent')).toEqual(['initiated', 'ringing', 'answered', 'completed']);
    expect(form.get('Twiml')).toContain(`wss://voice.example.com/v1/talk/twilio/ctx/${contextId}`);
    expect((form.get('Twiml') ?? '').length).toBeLessThan(4_000);
    expect((await world.storage.calls.find(contextId))?.providerCallId).toBe(callSid);

    const target = `/v1/talk/twilio/ctx/${contextId}/event`;
    const machine = { CallSid: callSid, AccountSid: ACCOUNT_SID, AnsweredBy: 'machine_start' };
    expect((await world.ask(target, twilioForm(target, machine))).status).toBe(200);
    expect(await call(contextId)).toBe('ended machine');
  });

  test('too many requests: it waits as long as Twilio says, and other refusals end the call without the number', async () => {
    const { queued, call, hurry } = await world.line('twilio');
    const contextId = await queued();
    world.now.answer = () => ({ status: 429, body: { code: 20429 }, headers: { 'retry-after': '7' } });
    await world.place();
    const [row] = await world.sql(
      `select extract(epoch from not_before - now())::float8 as wait from outbound_calls where context_id = '${contextId}'`,
    );
    expect(row?.['wait']).toBeGreaterThan(5);
    expect(await world.place()).toBe(false);
    world.now.answer = () => ({ status: 400, body: { code: 21211, message: 'The number +14155552671 is invalid' } });
    await hurry();

    await world.place();

    expect(await call(contextId)).toBe('failed carrier_failed');
    expect(JSON.stringify(world.log.entries)).not.toMatch(/\+?14155552671|the-auth-token/);
  });

  test('a lost answer: the list of calls tells, and a call of another order is left alone', async () => {
    const { queued, call, hurry } = await world.line('twilio');
    const [first, second] = [sid(), sid()];
    const one = await queued();
    world.now.answer = () => ({ status: 201, body: { sid: first } });
    await world.place();
    const two = await queued();
    world.now.answer = () => 'hang_up';
    await hurry();
    await world.place();
    const listed = (id: string) => ({ sid: id, direction: 'outbound-api', date_created: new Date().toUTCString() });
    world.now.answer = () => ({ status: 200, body: { calls: [listed(first), listed(second)] } });
    await hurry();

    await world.place();

    expect(world.carrier.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'GET']);
    expect((await world.storage.calls.find(two))?.providerCallId).toBe(second);
    expect([await call(one), await call(two)]).toEqual(['ringing', 'ringing']);
  });

  test('an account places one call a second', async () => {
    const { queued } = await world.line('twilio');
    await queued();
    await queued();
    world.now.answer = () => ({ status: 201, body: { sid: sid() } });

    for (let count = 0; count < 3; count++) await world.place();

    expect(world.carrier.requests).toHaveLength(1);
  });
});

test('a queued call is woken by a job within moments, and jobs stop cleanly', async () => {
  const { queued, call } = await world.line('asterisk');
  world.now.answer = placed;
  const { placeNextCall, endUnanswered, purge } = world.work();
  await using _jobs = await startJobs({
    connection: world.storage.connection,
    placeNextCall,
    endUnanswered,
    purge,
    clock: { ...realClock, after: () => ({ cancel: () => undefined }) },
    log: world.log,
  });

  const contextId = await queued();

  await expect.poll(() => call(contextId), { timeout: 5_000 }).toBe('ringing');
});
