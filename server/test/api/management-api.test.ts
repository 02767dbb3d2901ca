import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_TURN_SETTINGS } from '../../src/core/assistant/assistant-settings.ts';
import { DEMO_FLOW } from '../../src/providers/scripted/demo-flow.ts';
import { type ApiWorld, apiWorld } from './api-world.ts';
import { TWILIO_VALUES } from './signed-requests.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const SETTINGS = { language: 'en-US', brain: { type: 'scripted', flow: DEMO_FLOW } };

/** Bodies are what JSON says; the expectations below tell what that must be. */
type Answer = { status: number; body: ReturnType<typeof JSON.parse>; headers: Headers };
type Named = { readonly key: string; readonly provider: string; readonly fields: readonly Named[] };

async function admin() {
  const project = await world.project();
  const key = await world.key(project.projectId, 'admin');
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await world.ask(path, {
      method,
      headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) } as Answer;
  };
  return { ...project, key, call };
}

describe('assistants', () => {
  test('a made one has version 1, published, with everything filled in', async () => {
    const { call } = await admin();

    const made = await call('POST', '/v1/assistants', { name: 'Front desk', settings: SETTINGS });

    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: 'Front desk', publishedVersion: 1, id: expect.stringMatching(/^\d{9}$/) });
    const version = await call('GET', `/v1/assistants/${made.body.id}/versions/1`);
    expect(version.body.settings).toMatchObject({
      ...SETTINGS,
      speechToText: { provider: 'auto' },
      turn: DEFAULT_TURN_SETTINGS,
    });
  });

  test('a version never changes; publishing an older one rolls back', async () => {
    const { call, assistantId } = await admin();
    const versions = `/v1/assistants/${assistantId}/versions`;
    const before = (await call('GET', `${versions}/1`)).body;

    const second = await call('POST', versions, { settings: { ...SETTINGS, language: 'en-GB' } });
    const third = await call('POST', versions, { settings: { ...SETTINGS, language: 'de-DE' }, isPublished: false });

    expect([second.body.version, third.body.version]).toEqual([2, 3]);
    expect((await call('GET', `/v1/assistants/${assistantId}`)).body.publishedVersion).toBe(2);
    expect((await call('POST', `/v1/assistants/${assistantId}/publish`, { version: 1 })).body.publishedVersion).toBe(1);
    expect((await call('GET', `${versions}/1`)).body).toEqual(before);
    expect((await call('GET', versions)).body.versions.map((each: { version: number }) => each.version)).toEqual([
      1, 2, 3,
    ]);
    expect((await call('POST', `/v1/assistants/${assistantId}/publish`, { version: 4 })).status).toBe(404);
  });

  test.each([
    ['a flow without a start', { ...SETTINGS, brain: { type: 'scripted', flow: { nodes: {} } } }],
    ['no language', { brain: SETTINGS.brain }],
    ['an unknown brain', { ...SETTINGS, brain: { type: 'magic' } }],
    ['a negative time', { ...SETTINGS, turn: { preRollMs: -1 } }],
  ])('%s is refused', async (_, settings) => {
    const { call } = await admin();

    const answer = await call('POST', '/v1/assistants', { name: 'x', settings });

    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_parameters']);
  });

  test('a rename keeps the versions', async () => {
    const { call, assistantId } = await admin();

    expect((await call('PATCH', `/v1/assistants/${assistantId}`, { name: 'New' })).body).toMatchObject({
      name: 'New',
      publishedVersion: 1,
    });
  });
});

describe('credentials and deployments', () => {
  test('secrets go in and never come out', async () => {
    const { call } = await admin();
    const made = await call('POST', '/v1/credentials', { provider: 'twilio', name: 'main', values: TWILIO_VALUES });

    const listed = await call('GET', '/v1/credentials');
    const patched = await call('PATCH', `/v1/credentials/${made.body.id}`, {
      values: { account_token: 'rotated-token-00005555' },
    });

    expect(made.status).toBe(201);
    expect(made.body.values).toEqual({ account_sid: TWILIO_VALUES.account_sid, account_token: '••••1234' });
    expect(listed.body.credentials).toEqual([made.body]);
    expect(patched.body.values.account_token).toBe('••••5555');
    expect(JSON.stringify([made, listed, patched, world.log.entries])).not.toMatch(/the-auth-token|rotated-token/);
  });

  test('a line is made, changed and taken down', async () => {
    const { call, assistantId } = await admin();
    const credential = await call('POST', '/v1/credentials', { provider: 'twilio', name: 'm', values: TWILIO_VALUES });
    const wish = {
      assistantId,
      channel: 'twilio',
      name: 'hotline',
      number: '+1 555 0100',
      credentialId: credential.body.id,
      settings: { verify: 'enforce' },
    };

    const made = await call('POST', '/v1/deployments', wish);
    const again = await call('POST', '/v1/deployments', { ...wish, number: '+15550100' });
    const changed = await call('PATCH', `/v1/deployments/${made.body.id}`, { isEnabled: false, settings: {} });

    expect([made.status, again.status]).toEqual([201, 409]);
    expect(made.body).toMatchObject({ ...wish, isEnabled: true });
    expect(changed.body).toMatchObject({ name: 'hotline', isEnabled: false, settings: {} });
    expect((await call('DELETE', `/v1/credentials/${credential.body.id}`)).status).toBe(409);
    expect((await call('DELETE', `/v1/deployments/${made.body.id}`)).status).toBe(204);
    expect((await call('DELETE', `/v1/credentials/${credential.body.id}`)).status).toBe(204);
    expect((await call('GET', '/v1/deployments')).body).toEqual({ deployments: [] });
  });

  test.each([
    ['a wrong mode', { settings: { verify: 'maybe' } }],
    ['a setting of another channel', { settings: { transport: 'audiosocket' } }],
    ['an unknown channel', { channel: 'pigeon' }],
    ['an account nobody has', { credentialId: randomUUID() }],
    ['an assistant nobody has', { assistantId: '999999999' }],
  ])('%s is refused', async (_, change) => {
    const { call, assistantId } = await admin();

    const answer = await call('POST', '/v1/deployments', { assistantId, channel: 'twilio', name: 'x', ...change });

    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_parameters']);
  });

  test('forms tell what there is to fill in', async () => {
    const { call } = await admin();

    const { body } = await call('GET', '/v1/forms');

    expect(
      body.credentials.find((each: Named) => each.provider === 'twilio').fields.map((field: Named) => field.key),
    ).toEqual(['account_sid', 'account_token']);
    expect(body.deploymentSettings.exotel.map((field: Named) => field.key)).toContain('allowed_addresses');
  });
});

describe('API keys', () => {
  test('are shown once, work within their scope, and not after they are revoked', async () => {
    const { call } = await admin();
    const made = await call('POST', '/v1/api-keys', { name: 'reader', scopes: ['calls'] });
    const { key, apiKey } = made.body;
    const read = async () => (await world.ask('/v1/calls', { headers: { 'x-api-key': key } })).status;
    const write = await world.ask('/v1/credentials', { headers: { 'x-api-key': key } });

    expect([made.status, await read(), write.status]).toEqual([201, 200, 403]);
    expect(JSON.stringify((await call('GET', '/v1/api-keys')).body)).not.toContain(key.slice(8));
    expect((await call('DELETE', `/v1/api-keys/${apiKey.id}`)).status).toBe(204);
    expect((await call('DELETE', `/v1/api-keys/${apiKey.id}`)).status).toBe(204);
    expect(await read()).toBe(401);
  });

  test('expire', async () => {
    const { call } = await admin();

    const past = await call('POST', '/v1/api-keys', { name: 'x', scopes: ['talk'], expiresAt: '2020-01-01T00:00:00Z' });

    expect(past.status).toBe(422);
  });
});

describe('Idempotency-Key', () => {
  test('the same request again makes nothing and gets the same answer, the key of an API key excepted', async () => {
    const { call } = await admin();
    const once = { 'idempotency-key': 'abc-1' };
    const twice = { 'idempotency-key': 'abc-2' };

    const first = await call('POST', '/v1/credentials', { provider: 'twilio', name: 'm', values: TWILIO_VALUES }, once);
    const second = await call(
      'POST',
      '/v1/credentials',
      { provider: 'twilio', name: 'm', values: TWILIO_VALUES },
      once,
    );
    const key = await call('POST', '/v1/api-keys', { name: 'k', scopes: ['talk'] }, twice);
    const keyAgain = await call('POST', '/v1/api-keys', { name: 'k', scopes: ['talk'] }, twice);

    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await call('GET', '/v1/credentials')).body.credentials).toHaveLength(1);
    expect(keyAgain.body).toEqual({ ...key.body, key: null });
  });

  test('at the same moment, too', async () => {
    const { call } = await admin();
    const body = { name: 'one', settings: SETTINGS };

    const answers = await Promise.all(
      Array.from({ length: 5 }, () => call('POST', '/v1/assistants', body, { 'idempotency-key': 'race' })),
    );

    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect((await call('GET', '/v1/assistants')).body.assistants).toHaveLength(2);
  });

  test('with another request is a contradiction, and a strange one is refused', async () => {
    const { call } = await admin();
    await call('POST', '/v1/assistants', { name: 'one', settings: SETTINGS }, { 'idempotency-key': 'k' });

    const other = await call('POST', '/v1/assistants', { name: 'two', settings: SETTINGS }, { 'idempotency-key': 'k' });
    const strange = await call('POST', '/v1/projects', { name: 'x' }, { 'idempotency-key': 'a b' });

    expect([other.status, strange.status]).toEqual([409, 422]);
  });
});

test('what was changed is written down, newest first, page by page', async () => {
  const { call, assistantId, key } = await admin();
  await call('PATCH', `/v1/assistants/${assistantId}`, { name: 'New' });
  await call('POST', '/v1/credentials', { provider: 'twilio', name: 'm', values: TWILIO_VALUES });

  const first = (await call('GET', '/v1/audit-log?limit=1')).body;
  const second = (await call('GET', `/v1/audit-log?limit=1&cursor=${first.nextCursor}`)).body;

  expect(first.entries).toMatchObject([{ action: 'credential.created', detail: { provider: 'twilio' } }]);
  expect(second.entries).toMatchObject([{ action: 'assistant.renamed', subject: assistantId }]);
  expect(second.nextCursor).toBeNull();
  expect(JSON.stringify([first, second])).not.toContain(key);
});

test('a new project has a key of its own and sees nothing else', async () => {
  const { call } = await admin();

  const { body, status } = await call('POST', '/v1/projects', { name: 'tenant' });

  const headers = { 'x-api-key': body.key };
  expect(status).toBe(201);
  expect(await (await world.ask('/v1/project', { headers })).json()).toEqual(body.project);
  expect(await (await world.ask('/v1/assistants', { headers })).json()).toEqual({ assistants: [] });
});

describe('bad bodies', () => {
  test.each([
    ['no JSON', '{', 'application/json', 400],
    ['a form', 'name=x', 'application/x-www-form-urlencoded', 415],
    ['nothing', '', 'application/json', 422],
  ])('%s', async (_, body, type, status) => {
    const { key } = await admin();

    const answer = await world.ask('/v1/projects', {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': type },
      body,
    });

    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      'application/problem+json; charset=utf-8',
    ]);
  });
});

describe("another project's key", () => {
  test('opens none of the routes there are', async () => {
    const owner = await admin();
    const stranger = await admin();
    const credential = (
      await owner.call('POST', '/v1/credentials', { provider: 'twilio', name: 'm', values: TWILIO_VALUES })
    ).body.id;
    const deployment = (
      await owner.call('POST', '/v1/deployments', { assistantId: owner.assistantId, channel: 'twilio', name: 'd' })
    ).body.id;
    const apiKey = (await owner.call('POST', '/v1/api-keys', { name: 'k', scopes: ['calls'] })).body.apiKey.id;
    const talkKey = await world.key(owner.projectId, 'talk');
    const contextId = await (
      await world.ask(`/v1/talk/asterisk/call/${owner.assistantId}?from=1&x-api-key=${talkKey}`)
    ).text();
    const listed = (await owner.call('POST', '/v1/number-lists/do_not_call', { number: '100' })).body.id;
    const ids = {
      assistants: owner.assistantId,
      credentials: credential,
      deployments: deployment,
      'api-keys': apiKey,
      'number-lists': listed,
    };
    const before = await owner.call('GET', '/v1/audit-log');
    const document = (await (await world.ask('/openapi.json')).json()) as { paths: Record<string, object> };
    const tried: string[] = [];

    for (const [path, operations] of Object.entries(document.paths)) {
      for (const method of Object.keys(operations).map((each) => each.toUpperCase())) {
        // A list of numbers is there for every project: whose it is, is seen below.
        if (!/\{(?!list\})/.test(path) || path.startsWith('/v1/talk/')) continue;
        const noun = (path.split('/')[2] ?? '') as keyof typeof ids;
        const url = path
          .replace('{id}', ids[noun] ?? 'missing')
          .replace('{version}', '1')
          .replace('{list}', 'do_not_call')
          .replace('{contextId}', contextId);
        expect(url).not.toContain('missing');
        const body = { name: 'stolen', version: 1, settings: path.startsWith('/v1/assistants') ? SETTINGS : {} };
        const answer = await stranger.call(method, url, method === 'GET' || method === 'DELETE' ? undefined : body);

        expect([method, path, answer.status]).toEqual([method, path, 404]);
        tried.push(`${method} ${path}`);
      }
    }

    expect(tried.length).toBeGreaterThanOrEqual(15);
    for (const [list, field] of [
      ['/v1/credentials', 'credentials'],
      ['/v1/deployments', 'deployments'],
      ['/v1/calls', 'calls'],
      ['/v1/number-lists/do_not_call', 'entries'],
    ] as const) {
      expect((await stranger.call('GET', list)).body[field]).toEqual([]);
    }
    const foreign = { assistantId: owner.assistantId, channel: 'twilio', name: 'x' };
    expect((await stranger.call('POST', '/v1/deployments', foreign)).status).toBe(422);
    const own = { ...foreign, assistantId: stranger.assistantId, credentialId: credential };
    expect((await stranger.call('POST', '/v1/deployments', own)).status).toBe(422);
    expect(await owner.call('GET', '/v1/audit-log')).toMatchObject({ body: before.body });
    expect((await owner.call('GET', `/v1/calls/${contextId}`)).body.call.status).toBe('ringing');
  });

  test('opens no call, reports none, and places none over foreign lines, on any talk route there is', async () => {
    const owner = await admin();
    const stranger = await world.project();
    const strangerKey = await world.key(stranger.projectId, 'talk', 'calls', 'admin');
    const talkKey = await world.key(owner.projectId, 'talk');
    const contextId = await (
      await world.ask(`/v1/talk/asterisk/call/${owner.assistantId}?from=1&x-api-key=${talkKey}`)
    ).text();
    const document = (await (await world.ask('/openapi.json')).json()) as { paths: Record<string, object> };
    const talk = Object.entries(document.paths).filter(([path]) => path.startsWith('/v1/talk/') && path.includes('{'));
    const tried: string[] = [];

    for (const [path, operations] of talk) {
      // Sockets: the contextId itself is the key, and a plain request is none.
      if (/ctx(\/\{contextId\})?$/.test(path)) continue;
      for (const method of Object.keys(operations).map((each) => each.toUpperCase())) {
        for (const provider of ['twilio', 'vonage', 'exotel', 'asterisk']) {
          const url = path
            .replace('{provider}', provider)
            .replace('{assistantId}', owner.assistantId)
            .replace('{contextId}', contextId);
          const answer = await world.ask(`${url}?from=100&To=200&CallSid=known-call&uuid=known-call`, {
            method,
            headers: { 'x-api-key': strangerKey },
          });
          // Events: nothing of a call that is not found; 401 where one is. Never anything that names or opens a call.
          expect([method, url, answer.status >= 200 && answer.status < 300 && (await answer.text()) !== '']).toEqual([
            method,
            url,
            false,
          ]);
          if (url.includes('/call/')) expect([method, url, answer.status]).toEqual([method, url, 401]);
          tried.push(`${method} ${url}`);
        }
      }
    }
    const placed = await world.ask('/v1/talk/create-phone-call', {
      method: 'POST',
      headers: { 'x-api-key': strangerKey, 'content-type': 'application/json' },
      body: JSON.stringify({ assistant: { assistantId: owner.assistantId }, toNumber: '+14155552671' }),
    });

    expect(tried.length).toBeGreaterThanOrEqual(32);
    expect([placed.status, ((await placed.json()) as { code: string }).code]).toEqual([404, 'assistant_not_found']);
    expect((await owner.call('GET', `/v1/calls/${contextId}`)).body.call.status).toBe('ringing');
    expect((await owner.call('GET', '/v1/calls')).body.calls).toHaveLength(1);
  });

  test('without the scope admin nothing is managed', async () => {
    const { projectId } = await world.project();
    const key = await world.key(projectId, 'talk', 'calls');
    const document = (await (await world.ask('/openapi.json')).json()) as { paths: Record<string, object> };

    for (const path of Object.keys(document.paths)) {
      if (/^\/v1\/(talk|calls)/.test(path) || !path.startsWith('/v1/')) continue;
      for (const method of Object.keys(document.paths[path] ?? {})) {
        const url = path.replace('{id}', '1').replace('{version}', '1').replace('{list}', 'do_not_call');
        const answer = await world.ask(url, { method: method.toUpperCase(), headers: { 'x-api-key': key } });
        expect([method, path, answer.status]).toEqual([method, path, 403]);
      }
    }
  });
});
