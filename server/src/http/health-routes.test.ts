import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeClock, settle } from '../../test/fakes/fake-clock.ts';
import { type HttpWorld, httpWorld } from '../../test/http/http-world.ts';
import { AppError } from '../core/errors.ts';

let world: HttpWorld;
beforeAll(async () => {
  world = await httpWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

test("the manual's connectivity check, HEAD on the root, is answered 200", async () => {
  expect((await fetch(world.url, { method: 'HEAD' })).status).toBe(200);
});

test.each(['/healthz', '/healthz/', '/readiness', '/readiness/'])('%s says ok', async (path) => {
  const answer = await fetch(world.url + path);

  expect(await answer.json()).toEqual({ status: 'ok' });
});

test('what is not ready says why, while the process is alive', async () => {
  const checkReadiness = () => Promise.reject(new AppError('draining', { retryAfterSeconds: 5 }));
  await using stopping = await httpWorld({ useCases: { checkReadiness } });

  const readiness = await fetch(`${stopping.url}/readiness/`);

  expect(await readiness.json()).toMatchObject({ status: 503, code: 'draining' });
  expect(readiness.headers.get('retry-after')).toBe('5');
  expect((await fetch(`${stopping.url}/healthz`)).status).toBe(200);
});

test('a readiness check that hangs is not ready after a second', async () => {
  const clock = new FakeClock();
  await using hanging = await httpWorld({ clock, useCases: { checkReadiness: () => new Promise(() => undefined) } });
  const asked = fetch(`${hanging.url}/readiness`);
  while (clock.pendingTimers === 0) await settle();

  clock.advance(1_000);

  expect(await (await asked).json()).toMatchObject({ status: 503, code: 'database_unavailable' });
});

test('metrics come in the type Prometheus expects', async () => {
  const answer = await fetch(`${world.url}/metrics`);

  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  expect(await answer.text()).toBe('up 1\n');
});

test('requests are counted by route, never by address', async () => {
  await fetch(`${world.url}/v1/talk/twilio/call/424242`);

  const labels = { method: 'GET', route: '/v1/talk/:provider/call/:assistantId', status: '404' };
  expect(world.metrics.value('http_requests_total', labels)).toBe(1);
});

test('the page of the interface needs nothing from elsewhere and lists every address', async () => {
  const answer = await fetch(`${world.url}/docs`);
  const page = await answer.text();

  expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; style-src 'unsafe-inline'");
  expect(page).toContain('<code>POST /v1/calls/{contextId}/end</code>');
  expect(page).toContain('id="over_capacity"');
  expect(page).not.toMatch(/<script|src=|https?:\/\//);
});

test('the description of the interface is the one that is checked in', async () => {
  const document = await (await fetch(`${world.url}/openapi.json`)).json();

  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('../../../openapi.json');
});

test('readiness says which installation answered, ready or not', async () => {
  const checkReadiness = () => Promise.reject(new AppError('draining', { retryAfterSeconds: 5 }));
  await using named = await httpWorld({ installation: '0123456789abcdef' });
  await using stopping = await httpWorld({ installation: '0123456789abcdef', useCases: { checkReadiness } });

  const answers = [await fetch(`${named.url}/readiness`), await fetch(`${stopping.url}/readiness`)];

  expect(answers.map(({ status, headers }) => [status, headers.get('x-installation')])).toEqual([
    [200, '0123456789abcdef'],
    [503, '0123456789abcdef'],
  ]);
});
