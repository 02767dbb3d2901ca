import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DiallingWorld, diallingWorld } from './dialling-world.ts';

let world: DiallingWorld;
beforeAll(async () => {
  world = await diallingWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

describe('a wish for a call', () => {
  test('is answered at once, in either spelling, and waits in the queue', async () => {
    const { create, call, assistantId } = await world.line('asterisk');

    const first = await create({ options: { ringTimeoutSeconds: 30 } });
    const second = await create({
      assistant: { assistant_id: assistantId },
      to_number: '+14155552671',
      toNumber: undefined,
    });

    expect(first.status).toBe(202);
    expect(first.body).toMatchObject({
      code: 202,
      success: true,
      data: { id: expect.stringMatching(/^\d{16}$/), callId: null, status: 'queued' },
    });
    expect(second.status).toBe(202);
    expect(await call(first.body.data.contextId)).toBe('queued');
  });

  test('with an Idempotency-Key is one call, however often it comes', async () => {
    const { create, projectId } = await world.line('asterisk');
    const headers = { 'idempotency-key': randomUUID() };

    const answers = await Promise.all([create({}, headers), create({}, headers), create({}, headers)]);

    expect(new Set(answers.map(({ body }) => body.data.contextId)).size).toBe(1);
    expect((await world.storage.calls.list({ projectId, limit: 10 })).calls).toHaveLength(1);
  });

  test.each([
    ['an emergency number', { toNumber: '911' }, 'emergency'],
    ['a premium number', { toNumber: '+19002345678' }, 'premium'],
    ['a deployment nobody has', { options: { deploymentId: randomUUID() } }, 'deploymentId is none of these'],
    ['a version nobody has', { assistant: { version: 7 } }, 'assistantId'],
    ['a channel without a line', { options: { channel: 'vonage' } }, 'over which line'],
  ])('for %s is refused with the reason', async (_, body, reason) => {
    const { create } = await world.line('asterisk');

    const { status, body: problem } = await create(body);

    expect([status, problem.detail]).toEqual([422, expect.stringContaining(reason)]);
  });

  test('that fits several lines lists them; the calling number decides', async () => {
    const { create, projectId, assistantId } = await world.line('asterisk');
    const other = await world.deployment(projectId, { assistantId, channel: 'asterisk', number: '+14155550199' });

    const unclear = await create();
    const clear = await create({ fromNumber: '+1 415 555 0199' });

    expect([unclear.status, unclear.body.detail]).toEqual([422, expect.stringContaining(other.id)]);
    expect(clear.status).toBe(202);
    expect((await world.storage.calls.find(clear.body.data.contextId))?.deploymentId).toBe(other.id);
  });

  test("another project's key opens nothing", async () => {
    const owner = await world.line('asterisk');
    const stranger = await world.line('asterisk');

    const { status } = await stranger.create({ assistant: { assistantId: owner.assistantId } });

    expect(status).toBe(404);
  });
});
