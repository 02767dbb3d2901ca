import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, CALLS_KEY, CONTEXT_ID, type HttpWorld, httpWorld, TALK_KEY } from '../../test/http/http-world.ts';

let world: HttpWorld;
beforeAll(async () => {
  world = await httpWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const OTHER = '99999999-2222-4333-8444-555555555555';
const ask = (path: string, key?: string, method = 'GET') =>
  fetch(world.url + path, { method, headers: key === undefined ? {} : { 'x-api-key': key } });

const call = {
  contextId: CONTEXT_ID,
  conversationId: '4567890123456789',
  attempt: 1,
  assistantId: '123456789',
  assistantVersion: 1,
  deploymentId: null,
  channel: 'asterisk',
  direction: 'inbound',
  from: '+15550001',
  to: null,
  providerCallId: null,
  isUnverified: false,
  status: 'live',
  endReason: null,
  createdAt: '2026-11-21T10:00:00.000Z',
  answeredAt: null,
  endedAt: null,
};

test('calls come a page at a time, fifty unless asked otherwise', async () => {
  const answer = await ask('/v1/calls', CALLS_KEY);

  expect(await answer.json()).toEqual({ calls: [call], nextCursor: 'next' });
  expect(world.queries.at(-1)).toEqual({ projectId: 'project-1', limit: 50 });
});

test("what is asked for reaches the query, the project is the key's", async () => {
  await ask('/v1/calls?limit=200&cursor=abc&status=live&assistantId=123456789', ADMIN_KEY);

  expect(world.queries.at(-1)).toEqual({
    projectId: 'project-1',
    limit: 200,
    cursor: 'abc',
    status: 'live',
    assistantId: '123456789',
  });
});

test('one call comes with its keys, turns and events', async () => {
  const answer = await ask(`/v1/calls/${CONTEXT_ID.toUpperCase()}`, CALLS_KEY);

  expect(await answer.json()).toEqual({
    call,
    dtmf: '1#',
    turns: [],
    events: [{ atMs: 5, type: 'digit', data: { digit: '1' } }],
    transfers: [
      {
        transferId: '21111111-2222-4333-8444-555555555555',
        to: '+14155552671',
        state: 'failed',
        failure: 'busy',
        returnContextId: null,
        askedAt: '2026-11-21T10:00:00.000Z',
        diallingAt: '2026-11-21T10:00:01.000Z',
        overAt: '2026-11-21T10:00:09.000Z',
      },
    ],
  });
});

test('ending a call is accepted, again and again', async () => {
  const first = await ask(`/v1/calls/${CONTEXT_ID}/end`, CALLS_KEY, 'POST');
  const second = await ask(`/v1/calls/${CONTEXT_ID}/end`, CALLS_KEY, 'POST');

  expect([first.status, second.status]).toEqual([202, 202]);
  expect(await first.json()).toEqual({ contextId: CONTEXT_ID });
  expect(world.ended).toEqual([CONTEXT_ID, CONTEXT_ID]);
});

test.each([
  ['GET', `/v1/calls/${OTHER}`],
  ['GET', '/v1/calls/not-a-uuid'],
  ['POST', `/v1/calls/${OTHER}/end`],
  ['POST', '/v1/calls/not-a-uuid/end'],
])('%s %s is not there', async (method, path) => {
  const answer = await ask(path, CALLS_KEY, method);

  expect(await answer.json()).toMatchObject({ status: 404, code: 'context_not_found' });
});

test.each([
  ['GET', '/v1/calls?limit=wrong'],
  ['GET', `/v1/calls/${OTHER}`],
  ['POST', `/v1/calls/${OTHER}/end`],
])('%s %s without a valid key learns nothing else', async (method, path) => {
  expect((await ask(path, undefined, method)).status).toBe(401);
  expect((await ask(path, 'rpd-wrong', method)).status).toBe(401);
  expect((await ask(path, TALK_KEY, method)).status).toBe(403);
});

test('the key may come as a bearer token or in the query', async () => {
  const bearer = await fetch(`${world.url}/v1/calls`, { headers: { authorization: `Bearer ${CALLS_KEY}` } });
  const query = await fetch(`${world.url}/v1/calls?x-api-key=${CALLS_KEY}`);

  expect([bearer.status, query.status]).toEqual([200, 200]);
  expect(JSON.stringify(world.log.entries)).not.toContain(CALLS_KEY);
});

test('the 601st request of a minute is told when to come back', async () => {
  await using busy = await httpWorld();
  const headers = { 'x-api-key': CALLS_KEY };
  for (let round = 0; round < 12; round++) {
    await Promise.all(Array.from({ length: 50 }, () => fetch(`${busy.url}/v1/calls/${CONTEXT_ID}`, { headers })));
  }

  const answer = await fetch(`${busy.url}/v1/calls`, { headers: { 'x-api-key': CALLS_KEY } });
  const other = await fetch(`${busy.url}/v1/calls/${CONTEXT_ID}`, { headers });

  expect(answer.status).toBe(200);
  expect(await other.json()).toMatchObject({ status: 429, code: 'rate_limited' });
  expect(Number(other.headers.get('retry-after'))).toBeGreaterThan(0);
});
