import { expect, test } from 'vitest';
import { type CallServer, eventually, LONG_MS, startCallServer } from '../calls/call-server.ts';
import { registerPhone } from './sip-register.ts';

/** What the product promises, with a margin for a machine that does other things. */
const KNOWN_WITHIN_MS = 5_000;
const VAULT__KEYS = `1:${Buffer.alloc(32, 9).toString('base64')}`;

type Key = { readonly id: string; readonly key: string };

async function makeKey(server: CallServer): Promise<Key> {
  const response = await fetch(`${server.url}/v1/api-keys`, {
    method: 'POST',
    headers: { 'x-api-key': server.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'phone', scopes: ['talk', 'calls'] }),
  });
  const { apiKey, key } = (await response.json()) as { apiKey: { id: string }; key: string };
  return { id: apiKey.id, key };
}

test('a revoked key opens nothing on any node, over HTTP and SIP digest', { timeout: 2 * LONG_MS }, async () => {
  let shared = '';
  await using one = await startCallServer({
    env: { VAULT__KEYS },
    databaseUrl: async (url) => {
      shared = url;
      return url;
    },
  });
  await using two = await startCallServer({ env: { VAULT__KEYS }, databaseUrl: async () => shared });
  const user = one.demo.assistantId;
  const { id, key: password } = await makeKey(one);
  const http = async ({ url }: CallServer) =>
    (await fetch(`${url}/v1/talk/asterisk/call/${user}?from=100`, { headers: { 'x-api-key': password } })).status;
  const sip = ({ sipPort }: CallServer) => registerPhone({ port: sipPort, user, password });
  const all = async () => [await http(one), await http(two), await sip(one), await sip(two)];
  const before = await all();

  const revoked = await fetch(`${one.url}/v1/api-keys/${id}`, {
    method: 'DELETE',
    headers: { 'x-api-key': one.apiKey },
  });
  const revokedAt = performance.now();
  await eventually('the key to be refused everywhere', async () => {
    const [a, b, c, d] = await all();
    return a === 401 && b === 401 && c !== 200 && d !== 200 ? true : null;
  });
  const tookMs = performance.now() - revokedAt;

  expect(before).toEqual([200, 200, 200, 200]);
  expect(revoked.status).toBe(204);
  expect(tookMs).toBeLessThan(KNOWN_WITHIN_MS);
  expect((await all()).filter((status) => status < 400)).toEqual([]);
});
