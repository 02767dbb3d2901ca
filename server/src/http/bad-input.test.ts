import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY, ASSISTANT_ID, CONTEXT_ID, type HttpWorld, httpWorld } from '../../test/http/http-world.ts';
import { sendRaw } from '../../test/http/raw-http.ts';

let world: HttpWorld;
beforeAll(async () => {
  world = await httpWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const CTX = `/v1/talk/asterisk/ctx/${CONTEXT_ID}`;

/** Every address with the methods it takes. */
const ROUTES: readonly (readonly [path: string, methods: string])[] = [
  ['/', 'GET, HEAD'],
  ['/readiness', 'GET, HEAD'],
  ['/readiness/', 'GET, HEAD'],
  ['/healthz', 'GET, HEAD'],
  ['/healthz/', 'GET, HEAD'],
  ['/metrics', 'GET, HEAD'],
  ['/openapi.json', 'GET, HEAD'],
  ['/docs', 'GET, HEAD'],
  [`/v1/talk/twilio/call/${ASSISTANT_ID}`, 'GET, POST'],
  [`/v1/talk/asterisk/call/${ASSISTANT_ID}`, 'GET, POST'],
  [`${CTX}/event`, 'GET, POST'],
  ['/v1/talk/vonage/event', 'GET, POST'],
  ['/v1/talk/vonage/event/1', 'GET, POST'],
  [CTX, 'GET'],
  ['/v1/talk/asterisk/ctx', 'GET'],
  ['/v1/calls', 'GET'],
  [`/v1/calls/${CONTEXT_ID}`, 'GET'],
  [`/v1/calls/${CONTEXT_ID}/end`, 'POST'],
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'];

const refused = ROUTES.flatMap(([path, allowed]) =>
  METHODS.filter((method) => !allowed.split(', ').includes(method)).map((method) => [method, path, allowed] as const),
);

test.each(refused)('%s %s is answered 405 and told the methods: %s', async (method, path, allowed) => {
  const request = `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

  const answer = await sendRaw(world.port, request, { isHead: method === 'HEAD' });

  expect([answer.status, answer.headers['allow']]).toEqual([405, allowed]);
});

test.each(ROUTES.filter(([, methods]) => methods.includes('HEAD')))('HEAD %s is GET without its body', async (path) => {
  const head = await sendRaw(world.port, `HEAD ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, { isHead: true });
  const get = await fetch(world.url + path);

  expect(head.status).toBe(get.status);
  expect(head.body).toBe('');
  expect(head.headers['content-type']).toBe(get.headers.get('content-type'));
});

describe('a problem document', () => {
  const json = { 'content-type': 'application/json' };
  const long = 'a'.repeat(262_145);
  const twilio = `/v1/talk/vonage/event`;
  test.each([
    ['bad JSON', twilio, { method: 'POST', headers: json, body: '{' }, 400, 'invalid_request'],
    ['JSON of another shape', twilio, { method: 'POST', headers: json, body: '"text"' }, 422, 'invalid_parameters'],
    ['a kind of body nobody reads', twilio, { method: 'POST', body: 'text' }, 415, 'unsupported_media_type'],
    ['a body too large', twilio, { method: 'POST', headers: json, body: long }, 413, 'too_large'],
    ['an address too long', `/healthz?${'a'.repeat(9_000)}`, {}, 414, 'uri_too_long'],
    ['bad percent-encoding', '/v1/calls/%zz', {}, 400, 'invalid_request'],
    ['nothing there', '/v1/nothing', {}, 404, 'not_found'],
    ['nothing there for POST with a body', '/v1/nothing', { method: 'POST', body: 'text' }, 404, 'not_found'],
    ['nothing there that looks like a file', '/../../etc/passwd', {}, 404, 'not_found'],
    ['an unknown provider', '/v1/talk/acme/call/1', {}, 404, 'not_found'],
    ['a provider that has no webhook', '/v1/talk/sip/event', {}, 404, 'not_found'],
  ])('%s', async (...[_what, path, init, status, code]) => {
    const answer = await fetch(world.url + path, init);

    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(await answer.json()).toMatchObject({ status, code, type: `/docs#${code}`, title: expect.any(String) });
    expect(answer.status).toBe(status);
  });
});

test.each([
  ['limit=0', 'querystring/limit must be >= 1'],
  ['limit=201', 'querystring/limit must be <= 200'],
  ['limit=many', 'querystring/limit must be integer'],
  ['limit=1&limit=2', 'querystring/limit must be integer'],
  ['status=loud', 'querystring/status must be equal to one of the allowed values'],
  ['assistantId=abc', 'querystring/assistantId must match pattern "^[1-9][0-9]{0,15}$"'],
  ['assistantId=9007199254740992', 'assistantId must be a decimal number up to 2^53-1'],
  ['cursor=', 'querystring/cursor must NOT have fewer than 1 characters'],
])('GET /v1/calls?%s is told: %s', async (query, detail) => {
  const answer = await fetch(`${world.url}/v1/calls?${query}`, { headers: { 'x-api-key': ADMIN_KEY } });

  expect(await answer.json()).toMatchObject({ status: 422, code: 'invalid_parameters', detail });
});

test('after a refused request the connection serves the next one', async () => {
  const two = 'GET /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

  const first = await sendRaw(world.port, two);

  expect(first.status).toBe(404);
  expect(first.body).toContain('{"status":"ok"}');
});

test('an unreadable request behind one that waits does not get its answer', async () => {
  await using slow = await httpWorld({
    useCases: { checkReadiness: () => new Promise((resolve) => setTimeout(resolve, 50)) },
  });

  const answer = await sendRaw(slow.port, 'GET /readiness HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n').catch(
    () => null,
  );

  // Either the first gets its own answer or nobody gets one: a 200 or an error for the connection, never a mixture.
  expect([null, 200, 400]).toContain(answer?.status ?? null);
});

test('a client that hangs up in the middle of its body does no harm', async () => {
  const { connect } = await import('node:net');
  const socket = connect(world.port, '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  socket.write(
    'POST /v1/talk/vonage/event HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
  );
  await new Promise<void>((resolve) => socket.end(() => resolve()));

  expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
});
