import { expect, test } from 'vitest';
import { FakeTrunk } from '../../src/channels/sip/fakes/fake-trunk.ts';
import { closedCall } from './demo-call.ts';
import { ServerHome, type ServerProcess } from './server-process.ts';

const LIMIT_MS = 120_000;

test('kill -9 while a SIP call of ours rings: the next start closes it, and does not dial again', {
  timeout: LIMIT_MS,
}, async () => {
  await using trunk = await FakeTrunk.open();
  trunk.onCall = (call) => call.ring();
  await using home = new ServerHome();
  const first = await home.start();
  const contextId = await dial(home, first, trunk.port);
  await expect.poll(() => trunk.calls.length, { timeout: 15_000 }).toBe(1);
  await expect.poll(() => statusOf(home, first, contextId), { timeout: 15_000 }).toBe('ringing');

  first.signal('SIGKILL');
  await first.end();
  const second = await home.start();

  const lost = await closedCall(home, second, contextId);
  expect(lost.call).toMatchObject({ direction: 'outbound', status: 'failed', endReason: 'node_lost' });
  expect(trunk.calls).toHaveLength(1);
});

async function dial(home: ServerHome, server: ServerProcess, port: number): Promise<string> {
  const values = { host: '127.0.0.1', port, transport: 'udp' };
  const credential = await post(home, server, '/v1/credentials', { provider: 'sip', name: 'trunk', values });
  const line = { channel: 'sip', name: 'trunk', credentialId: credential['id'] };
  await post(home, server, '/v1/deployments', { assistantId: home.assistantId, ...line });
  const wish = { assistant: { assistantId: home.assistantId }, toNumber: '200', options: { channel: 'sip' } };
  const placed = await post(home, server, '/v1/talk/create-phone-call', wish);
  return (placed['data'] as { contextId: string }).contextId;
}

async function statusOf(home: ServerHome, server: ServerProcess, contextId: string): Promise<string> {
  const answer = await fetch(`${server.url}/v1/calls/${contextId}`, { headers: { 'x-api-key': home.apiKey } });
  return ((await answer.json()) as { call: { status: string } }).call.status;
}

async function post(home: ServerHome, server: ServerProcess, path: string, body: object) {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': home.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status, path).toBeLessThan(300);
  return (await answer.json()) as Record<string, unknown>;
}
