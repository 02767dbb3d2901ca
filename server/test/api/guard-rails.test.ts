import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DiallingWorld, diallingWorld } from './dialling-world.ts';

let world: DiallingWorld;
beforeAll(async () => {
  world = await diallingWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const json = (key: string, body: object): RequestInit => ({
  method: 'POST',
  headers: { 'x-api-key': key, 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

describe('a call that we place', () => {
  test.each([
    ['911', 'number_refused', '***911'],
    ['+19002345678', 'number_refused', '***678'],
    ['+442079460958', 'number_refused', '***958'],
    ['+881612345678', 'number_refused', '***678'],
  ])('%s is refused with a code, and the try is audited without the number', async (toNumber, code, masked) => {
    const { create, projectId, assistantId } = await world.line('asterisk');

    const { status, body } = await create({ toNumber });

    expect([status, body]).toMatchObject([422, { code }]);
    const { entries } = await world.storage.audit.list({ projectId, limit: 1 });
    expect(entries).toMatchObject([
      { action: 'call.refused', subject: assistantId, apiKeyId: expect.any(String), detail: { code, to: masked } },
    ]);
    expect(JSON.stringify([entries, body, world.log.entries])).not.toContain(toNumber.slice(0, -3).padStart(5, '#'));
  });

  test('never goes to the do-not-call list, however the number is written; off the list it does', async () => {
    const { create, projectId } = await world.line('twilio');
    const admin = await world.key(projectId, 'admin');
    const listed = await world.ask('/v1/number-lists/do_not_call', json(admin, { number: '+1 (415) 555-2671' }));
    const again = await world.ask('/v1/number-lists/do_not_call', json(admin, { number: '14155552671' }));
    const entry = (await listed.json()) as { id: string };

    const refused = await create({ toNumber: '(415) 555 2671' });
    const removed = await world.ask(`/v1/number-lists/do_not_call/${entry.id}`, {
      method: 'DELETE',
      headers: { 'x-api-key': admin },
    });
    const allowed = await create({ toNumber: '(415) 555 2671' });

    expect(listed.status).toBe(201);
    expect(await again.json()).toMatchObject({ id: entry.id });
    expect([refused.status, refused.body]).toMatchObject([403, { code: 'do_not_call' }]);
    expect([removed.status, allowed.status]).toEqual([204, 202]);
    const { entries } = await world.storage.audit.list({ projectId, limit: 4 });
    expect(entries.map(({ action }) => action)).toEqual([
      'number-list.removed',
      'call.refused',
      'number-list.added',
      'number-list.added',
    ]);
    expect(JSON.stringify(entries)).not.toContain('5552671');
  });

  test('is one of 200 within a day; of many at once exactly as many as allowed are taken', async () => {
    const { create, projectId } = await world.line('twilio', { max_calls_per_day: 3 });

    const answers = await Promise.all(Array.from({ length: 6 }, () => create()));

    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 202, 202, 429, 429, 429]);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({
      code: 'limit_reached',
      detail: expect.stringContaining('max_calls_per_day'),
    });
    await world.sql(
      `update outbound_calls set created_at = now() - interval '25 hours' where project_id = ${projectId}`,
    );
    expect((await create()).status).toBe(202);
  });

  test('waits while five others ring, unless the line may have more', async () => {
    const { create, hurry } = await world.line('asterisk');
    world.now.answer = ({ path }) => ({ status: 200, body: { id: path.split('/').at(-1) } });
    for (let count = 0; count < 6; count++) await create();
    for (let count = 0; count < 8; count++) {
      await world.place();
      await hurry();
    }

    const dialled = world.carrier.requests.filter(
      ({ method, path }) => method === 'POST' && path.includes('/channels/'),
    );
    expect(dialled).toHaveLength(5);
  });
});

describe('a call that comes in', () => {
  const call = (assistantId: string, key: string, from: string, id: string) =>
    world.ask(`/v1/talk/asterisk/call/${assistantId}?from=${encodeURIComponent(from)}&id=${id}`, {
      headers: { 'x-api-key': key },
    });

  test('from a blocked caller is refused, however the number is written; others and anonymous ones are served', async () => {
    const { assistantId, projectId } = await world.project();
    const [admin, talk] = [await world.key(projectId, 'admin'), await world.key(projectId, 'talk')];
    await world.ask('/v1/number-lists/blocked_callers', json(admin, { number: '+1 415 555 0123', note: 'robot' }));

    const blocked = await call(assistantId, talk, '14155550123', 'b1');
    const other = await call(assistantId, talk, '+14155550124', 'b2');
    const anonymous = await call(assistantId, talk, 'anonymous', 'b3');

    expect([blocked.status, await blocked.text(), blocked.headers.get('x-error')]).toEqual([
      403,
      '',
      expect.stringContaining('caller_blocked'),
    ]);
    expect([other.status, anonymous.status]).toEqual([200, 200]);
    expect(world.log.entries.filter(({ event }) => event === 'call.refused').at(-1)?.fields).toMatchObject({
      code: 'caller_blocked',
      from: '***123',
    });
    const list = await world.ask('/v1/number-lists/blocked_callers', { headers: { 'x-api-key': admin } });
    expect(await list.json()).toMatchObject({ entries: [{ number: '14155550123', note: 'robot' }], nextCursor: null });
  });

  test('beyond the limit of the assistant is told to come back; a repeated webhook of an open call is served', async () => {
    const { assistantId, projectId } = await world.project();
    const [admin, talk] = [await world.key(projectId, 'admin'), await world.key(projectId, 'talk', 'calls')];
    const limited = await world.ask(`/v1/assistants/${assistantId}`, {
      ...json(admin, { maxConcurrentCalls: 2 }),
      method: 'PATCH',
    });

    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, index) => call(assistantId, talk, '100', `limit-${index}`)),
    );
    const open = answers.findIndex(({ status }) => status === 200);
    const repeated = await call(assistantId, talk, '100', `limit-${open}`);
    const contextId = await repeated.text();
    await world.ask(`/v1/calls/${contextId}/end`, { method: 'POST', headers: { 'x-api-key': talk } });
    const next = await call(assistantId, talk, '100', 'limit-next');

    expect(await limited.json()).toMatchObject({ maxConcurrentCalls: 2 });
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 429, 429, 429]);
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('10');
    expect([repeated.status, contextId]).toEqual([200, await answers[open]?.text()]);
    expect(next.status).toBe(200);
  });

  test("another project's list and entries are out of reach", async () => {
    const [first, second] = [await world.project(), await world.project()];
    const [own, foreign] = [
      await world.key(first.projectId, 'admin'),
      await world.key(second.projectId, 'admin', 'talk'),
    ];
    const made = await world.ask('/v1/number-lists/blocked_callers', json(own, { number: '100' }));
    const { id } = (await made.json()) as { id: string };

    const seen = await world.ask('/v1/number-lists/blocked_callers', { headers: { 'x-api-key': foreign } });
    const removed = await world.ask(`/v1/number-lists/blocked_callers/${id}`, {
      method: 'DELETE',
      headers: { 'x-api-key': foreign },
    });

    expect(await seen.json()).toEqual({ entries: [], nextCursor: null });
    expect(removed.status).toBe(404);
    expect((await call(second.assistantId, foreign, '100', 'c1')).status).toBe(200);
  });
});
