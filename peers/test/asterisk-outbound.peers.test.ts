import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';

let server: ServerUnderTest;
let asterisk: Asterisk;
const deployments: Record<string, string> = {};

beforeAll(async () => {
  server = await startServer();
  asterisk = await startAsterisk({
    http: server.http,
    audioSocket: server.audioSocket,
    sip: server.sip,
    assistantId: server.assistantId,
    apiKey: server.apiKey,
  });
  const credential = await post('/v1/credentials', {
    provider: 'asterisk',
    name: 'lab',
    values: {
      ari_url: `http://127.0.0.1:${asterisk.ports.http}`,
      ari_user: 'peer',
      ari_password: await ariPassword(),
      endpoint_template: 'Local/{number}@callee',
    },
  });
  for (const transport of ['audiosocket', 'websocket']) {
    const wish = {
      assistantId: server.assistantId,
      channel: 'asterisk',
      name: transport,
      credentialId: credential['id'],
    };
    deployments[transport] = (await post('/v1/deployments', { ...wish, settings: { transport } }))['id'] as string;
  }
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe('a call that we place through a real Asterisk 22', () => {
  test.each(['audiosocket', 'websocket'])(
    'is answered and greeted over %s, and ended from our side',
    async (transport) => {
      const contextId = await call('answer', transport);
      await until(contextId, (status, turns) => status === 'live' && turns > 0);

      await post(`/v1/calls/${contextId}/end`, {});

      const { call: ended, turns } = await server.endedCall(contextId);
      expect(ended).toMatchObject({ direction: 'outbound', status: 'ended', endReason: 'assistant_hung_up' });
      expect(turns[0]).toMatchObject({ role: 'assistant' });
      await expect
        .poll(() => asterisk.cli('core show channels count'), { timeout: 5_000 })
        .toContain('0 active channels');
    },
  );

  test('is taken back while it rings, and Asterisk lets go of it', async () => {
    const contextId = await call('noanswer');
    await until(contextId, (status) => status === 'ringing');

    await post(`/v1/calls/${contextId}/end`, {});

    expect((await server.endedCall(contextId)).call).toMatchObject({ status: 'failed', endReason: 'cancelled' });
    await expect
      .poll(() => asterisk.cli('core show channels count'), { timeout: 5_000 })
      .toContain('0 active channels');
  });

  test('ends as no_answer when nobody takes it', async () => {
    const contextId = await call('noanswer', 'audiosocket', 5);

    const { call: ended } = await server.endedCall(contextId, 30_000);

    expect(ended).toMatchObject({ status: 'failed', endReason: 'no_answer' });
  }, 40_000);
});

async function call(toNumber: string, transport = 'audiosocket', ringTimeoutSeconds = 30): Promise<string> {
  const options = { deploymentId: deployments[transport], ringTimeoutSeconds };
  const answer = await post('/v1/talk/create-phone-call', {
    assistant: { assistantId: server.assistantId },
    toNumber,
    options,
  });
  return (answer['data'] as { contextId: string }).contextId;
}

async function until(contextId: string, isThere: (status: string, turns: number) => boolean): Promise<void> {
  await expect
    .poll(
      async () => {
        const { call: now, turns } = (await server.get(`/v1/calls/${contextId}`)) as {
          call: { status: string };
          turns: readonly unknown[];
        };
        return isThere(now.status, turns.length) ? 'there' : now.status;
      },
      { timeout: 15_000 },
    )
    .toBe('there');
}

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': server.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}; the server said:\n${server.output}`);
  return JSON.parse(text) as Record<string, unknown>;
}

async function ariPassword(): Promise<string> {
  const text = await readFile(join(asterisk.runFolder, 'etc/ari.conf'), 'utf8');
  return /^password=(.+)$/m.exec(text)?.[1] ?? '';
}
