import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../test/fakes/fake-clock.ts';
import {
  ASSISTANT_ID,
  CALLS_KEY,
  CONTEXT_ID,
  FOREIGN_KEY,
  type HttpWorld,
  httpWorld,
  TALK_KEY,
} from '../../test/http/http-world.ts';
import type { AppError } from '../core/errors.ts';

let world: HttpWorld;
beforeAll(async () => {
  world = await httpWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  world.opened.length = 0;
  world.requests.length = 0;
  world.admission = null;
});

const CALL = `/v1/talk/asterisk/call/${ASSISTANT_ID}`;
const ask = (path: string, init?: RequestInit) => fetch(world.url + path, init);

test("the manual's request is answered with the bare UUID", async () => {
  const answer = await ask(`${CALL}?from=15550001&x-api-key=${TALK_KEY}`);

  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await answer.text()).toBe(CONTEXT_ID);
  expect(world.opened).toMatchObject([{ contextId: CONTEXT_ID, channel: 'asterisk', from: '15550001' }]);
});

describe('the checks come in the order of the contract', () => {
  const bad = 'from=1&x-api-key=rpd-wrong';
  test.each([
    ['a wrong id before all else', `/v1/talk/asterisk/call/abc?${bad}`, 422],
    ['an id beyond 2^53-1', `/v1/talk/asterisk/call/9007199254740992?${bad}`, 422],
    ['a very long id', `/v1/talk/asterisk/call/${'1'.repeat(2000)}?${bad}`, 422],
    ['an unknown assistant before the key', `/v1/talk/asterisk/call/987654321?${bad}`, 404],
    ['a wrong key before the slots', `${CALL}?${bad}`, 401],
    ['a key of another project', `${CALL}?from=1&x-api-key=${FOREIGN_KEY}`, 401],
    ['a key without the scope', `${CALL}?from=1&x-api-key=${CALLS_KEY}`, 401],
    ['parameters but no key', `${CALL}?from=1`, 403],
    ['the bare curl', CALL, 422],
    ['no slot, last', `${CALL}?from=1&x-api-key=${TALK_KEY}`, 503],
  ])('%s', async (_, path, status) => {
    world.admission = 'draining';

    const answer = await ask(path);

    expect([answer.status, await answer.text()]).toEqual([status, '']);
    expect(answer.headers.get('x-error')).toMatch(/^[a-z_]+: /);
    expect(answer.headers.get('retry-after')).toBe(status === 503 ? '5' : null);
    expect(world.opened).toEqual([]);
  });
});

describe('the key is taken from', () => {
  test.each([
    ['the header', CALL, { headers: { 'x-api-key': TALK_KEY } }],
    ['a bearer token', CALL, { headers: { authorization: `Bearer ${TALK_KEY}` } }],
    ['the query', `${CALL}?x-api-key=${TALK_KEY}`, {}],
    ['the body', CALL, { method: 'POST', body: new URLSearchParams({ 'x-api-key': TALK_KEY }) }],
  ])('%s', async (_, path, init) => {
    expect((await ask(path, init)).status).toBe(200);
  });

  test('and never reaches the log', async () => {
    await ask(`${CALL}?from=1&x-api-key=rpd-secretsecret`);

    expect(JSON.stringify(world.log.entries)).not.toContain('secretsecret');
  });
});

describe('parameters', () => {
  const multipart = (fields: Record<string, string>) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return form;
  };
  const json = (body: unknown) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  });
  const query = `${CALL}?from=query&to=query&x-api-key=${TALK_KEY}`;

  test.each([
    ['urlencoded', { method: 'POST', body: new URLSearchParams({ from: 'body', id: '1.2' }) }],
    ['multipart', { method: 'POST', body: multipart({ from: 'body', id: '1.2' }) }],
    ['JSON', json({ from: 'body', id: '1.2' })],
  ])('of query and %s body are merged, the body wins', async (_, init) => {
    const answer = await ask(query, init);

    expect(answer.status).toBe(200);
    expect(world.requests[0]?.parameters).toMatchObject({ from: 'body', to: 'query', id: '1.2' });
  });

  test('repeated: the first counts', async () => {
    await ask(`${CALL}?from=1&from=2&x-api-key=${TALK_KEY}`);

    expect(world.requests[0]?.parameters['from']).toBe('1');
  });

  test('of JSON that are no text become text, null is left out', async () => {
    await ask(query, json({ from: 15550001, to: null, id: [7, 8], extra: { a: 1 }, yes: true }));

    expect(world.requests[0]?.parameters).toMatchObject({
      from: '15550001',
      to: 'query',
      id: '7',
      extra: '{"a":1}',
      yes: 'true',
    });
  });

  test('named like parts of every object are just parameters', async () => {
    await ask(`${CALL}?__proto__=1&constructor=2&x-api-key=${TALK_KEY}`);

    expect(Object.keys(world.requests[0]?.parameters ?? {})).toEqual(['__proto__', 'constructor', 'x-api-key']);
  });

  test('an unencoded plus is a plus again, wrong percent signs stay as they are', async () => {
    await ask(`${CALL}?from=+15550001&to=100%&x-api-key=${TALK_KEY}`);

    expect(world.opened).toMatchObject([{ from: '+15550001', to: '100%' }]);
  });

  test('an empty caller with a key is anonymous and is served', async () => {
    expect((await ask(`${CALL}?from=&x-api-key=${TALK_KEY}`)).status).toBe(200);
    expect(world.opened).toMatchObject([{ from: null }]);
  });
});

test('the raw target and the raw body are kept as they came, for signatures', async () => {
  const target = `${CALL}?b=%41&a=1+2&x-api-key=${TALK_KEY}`;

  await ask(target, { method: 'POST', body: new URLSearchParams('z=1&y=%20') });

  expect(world.requests).toMatchObject([{ method: 'POST', rawTarget: target, remoteAddress: '127.0.0.1' }]);
  expect(Buffer.from(world.requests[0]?.rawBody ?? []).toString()).toBe('z=1&y=+');
});

test('X-Forwarded-For counts from trusted proxies only, up to the first address that is none', async () => {
  await using proxied = await httpWorld({ trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] });
  await using elsewhere = await httpWorld({ trustedProxies: ['10.0.0.0/8'] });
  const send = ({ url }: HttpWorld, forwarded: string) =>
    fetch(`${url}${CALL}?x-api-key=${TALK_KEY}`, { headers: { 'x-forwarded-for': forwarded } });

  await send(proxied, '198.51.100.1, 203.0.113.9, 10.1.2.3');
  await send(elsewhere, '203.0.113.9');
  await send(world, '203.0.113.9');

  const seen = [proxied, elsewhere, world].map(({ requests }) => requests.at(-1)?.remoteAddress);
  expect(seen).toEqual(['203.0.113.9', '127.0.0.1', '127.0.0.1']);
});

test('doubled slashes and a slash at the end, as typed in dialplans, are the same address', async () => {
  expect((await ask(`//v1/talk//asterisk/call/${ASSISTANT_ID}/?x-api-key=${TALK_KEY}`)).status).toBe(200);
});

test('HEAD makes no call', async () => {
  const answer = await ask(`${CALL}?x-api-key=${TALK_KEY}`, { method: 'HEAD' });

  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, POST']);
  expect(world.opened).toEqual([]);
});

test('a database that hangs is answered within four seconds', async () => {
  const clock = new FakeClock();
  await using slow = await httpWorld({ clock, useCases: { receiveCall: () => new Promise(() => undefined) } });
  const asked = fetch(`${slow.url}${CALL}?x-api-key=${TALK_KEY}`);
  while (clock.pendingTimers === 0) await settle();

  clock.advance(4_000);

  const answer = await asked;
  expect([answer.status, await answer.text()]).toEqual([503, '']);
});

test('what nobody foresaw is a 500 without a body, and its cause is in the log only', async () => {
  const cause = new Error('secret of the house');
  await using broken = await httpWorld({ useCases: { receiveCall: () => Promise.reject(cause) } });

  const answer = await fetch(`${broken.url}${CALL}`);

  expect([answer.status, await answer.text()]).toEqual([500, '']);
  expect(answer.headers.get('x-error')).toBe('internal: Something failed inside the server');
  const entry = broken.log.entries.find(({ event }) => event === 'http.failed');
  expect((entry?.error as AppError | undefined)?.cause).toBe(cause);
});

describe('reports of carriers', () => {
  test.each([
    [`/v1/talk/twilio/ctx/${CONTEXT_ID}/event`, 200],
    ['/v1/talk/twilio/ctx/{contextId}/event', 204],
    ['/v1/talk/vonage/event', 204],
    [`/v1/talk/vonage/event/${ASSISTANT_ID}`, 204],
    ['/v1/talk/exotel/event?signature=forged', 403],
    ['/v1/talk/nobody/event', 404],
  ])('%s is answered %i', async (path, status) => {
    expect((await ask(path)).status).toBe(status);
    expect((await ask(path, { method: 'POST', body: new URLSearchParams({ CallSid: 'CA1' }) })).status).toBe(status);
  });

  test('reach the use case with what the path and the body say', async () => {
    world.events.length = 0;

    await ask('/v1/talk/twilio/ctx/%7BcontextId%7D/event', {
      method: 'POST',
      body: new URLSearchParams({ CallSid: 'CA1' }),
    });

    expect(world.events).toMatchObject([
      { channel: 'twilio', contextId: '{contextId}', assistantId: null, request: { parameters: { CallSid: 'CA1' } } },
    ]);
  });
});
