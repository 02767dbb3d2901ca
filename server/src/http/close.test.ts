import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { httpWorld } from '../../test/http/http-world.ts';

test('a request under way gets its answer, then the server is gone', async () => {
  const started = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  const checkReadiness = () => {
    started.resolve();
    return ready.promise;
  };
  const world = await httpWorld({ useCases: { checkReadiness } });
  const asked = fetch(`${world.url}/readiness`);
  await started.promise;

  const closed = world[Symbol.asyncDispose]();
  ready.resolve();
  await closed;

  expect((await asked).status).toBe(200);
  await expect(fetch(`${world.url}/healthz`)).rejects.toThrow();
});

test('a request that never ends holds a stop no longer than its grace', async () => {
  const started = Promise.withResolvers<void>();
  const checkReadiness = () => {
    started.resolve();
    return new Promise<void>(() => undefined);
  };
  const world = await httpWorld({ useCases: { checkReadiness }, limits: { closeGraceMs: 50 } });
  const asked = fetch(`${world.url}/readiness`).catch((error: unknown) => error);
  await started.promise;

  await world[Symbol.asyncDispose]();

  expect(await asked).toBeInstanceOf(Error);
});

test('a connection on which nothing was asked does not hold a stop', async () => {
  const world = await httpWorld({ limits: { closeGraceMs: 600_000 } });
  const socket = connect(world.port, '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));

  await world[Symbol.asyncDispose]();

  await ended;
});
