import { expect, test } from 'vitest';
import { FakeTrunk } from '../../src/channels/sip/fakes/fake-trunk.ts';
import { closedCall } from './demo-call.ts';
import { ServerHome, type ServerProcess } from './server-process.ts';

const LIMIT_MS = 120_000;
const PATIENCE = { timeout: 15_000 };
const NUMBER = '+14155550177';

test('a caller and a target who talk through us may finish first when the server is told to stop', {
  timeout: LIMIT_MS,
}, async () => {
  await using trunk = await FakeTrunk.open();
  await using home = new ServerHome();
  const server = await home.start();
  await handOver(home, server, trunk);
  expect(await metric(server, 'calls_active')).toBe(1);

  server.signal('SIGTERM');
  expect(await server.event('drain.waiting')).toMatchObject({ calls: 1 });
  expect((await fetch(`${server.url}/readiness`)).status).toBe(503);
  expect(trunk.ends).toEqual([]);
  trunk.answered[0]?.hangUp();
  const { exitCode, stderr } = await server.end();

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(trunk.ends).toEqual(['hung up', 'peer hung up']);
  expect(server.events('drain.ending_calls')).toEqual([]);
});

test('when the grace is over, both get a BYE', { timeout: LIMIT_MS }, async () => {
  await using trunk = await FakeTrunk.open();
  await using home = new ServerHome({ env: { SHUTDOWN__GRACE: '1' } });
  const server = await home.start();
  await handOver(home, server, trunk);

  server.signal('SIGTERM');
  const { exitCode, stderr } = await server.end();

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(server.events('drain.ending_calls')).toMatchObject([{ calls: 1 }]);
  expect(trunk.ends).toEqual(['peer hung up', 'peer hung up']);
  expect(server.events('server.stopped')).toMatchObject([{ callsCut: 1 }]);
});

/** We call somebody over the trunk, and hand them to somebody else there: both talk through us, and the record is closed. */
async function handOver(home: ServerHome, server: ServerProcess, trunk: FakeTrunk): Promise<void> {
  const flow = {
    start: 'over',
    fallback: 'sorry',
    nodes: {
      over: { type: 'transfer', to: NUMBER, otherwise: 'sorry' },
      sorry: { type: 'hang_up', text: 'Nobody is there. Goodbye.' },
    },
  };
  const settings = { language: 'en-US', brain: { type: 'scripted', flow } };
  const { id: assistantId } = await post(home, server, '/v1/assistants', { name: 'hands over', settings });
  const values = { host: '127.0.0.1', port: trunk.port, transport: 'udp' };
  const { id: credentialId } = await post(home, server, '/v1/credentials', { provider: 'sip', name: 'trunk', values });
  const line = { channel: 'sip', name: 'trunk', credentialId, settings: { transfer: 'bridge' } };
  await post(home, server, '/v1/deployments', { assistantId, ...line });
  const wish = { assistant: { assistantId }, toNumber: '+14155552671', options: { channel: 'sip' } };
  const { data } = await post(home, server, '/v1/talk/create-phone-call', wish);

  const { call } = await closedCall(home, server, data?.contextId ?? '');
  expect(call).toMatchObject({ endReason: 'transferred' });
  await expect.poll(() => trunk.answered.length, PATIENCE).toBe(2);
}

type Answer = { readonly id?: string; readonly data?: { readonly contextId: string } };

async function post(home: ServerHome, server: ServerProcess, path: string, body: object): Promise<Answer> {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': home.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  expect(answer.status, `${path}: ${text}`).toBeLessThan(300);
  return JSON.parse(text) as Answer;
}

async function metric(server: ServerProcess, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}
