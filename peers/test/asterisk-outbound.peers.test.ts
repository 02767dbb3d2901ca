import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { OutboundLine } from '../src/asterisk/outbound-line.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';

let server: ServerUnderTest;
let asterisk: Asterisk;
let line: OutboundLine;

beforeAll(async () => {
  server = await startServer();
  asterisk = await startAsterisk({
    http: server.http,
    audioSocket: server.audioSocket,
    sip: server.sip,
    assistantId: server.assistantId,
    apiKey: server.apiKey,
  });
  line = await OutboundLine.open(server, asterisk);
}, 180_000);

afterAll(async () => {
  await asterisk?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

describe('a call that we place through a real Asterisk 22', () => {
  test.each(['audiosocket', 'websocket'])(
    'is answered and greeted over %s, and ended from our side',
    async (transport) => {
      const contextId = await line.call('answer', { transport });
      await until(contextId, (status, turns) => status === 'live' && turns > 0);

      await server.post(`/v1/calls/${contextId}/end`, {});

      const { call: ended, turns } = await server.endedCall(contextId);
      expect(ended).toMatchObject({ direction: 'outbound', status: 'ended', endReason: 'assistant_hung_up' });
      expect(turns[0]).toMatchObject({ role: 'assistant' });
      await expect
        .poll(() => asterisk.cli('core show channels count'), { timeout: 5_000 })
        .toContain('0 active channels');
    },
  );

  test('is taken back while it rings, and Asterisk lets go of it', async () => {
    const contextId = await line.call('noanswer');
    await until(contextId, (status) => status === 'ringing');

    await server.post(`/v1/calls/${contextId}/end`, {});

    expect((await server.endedCall(contextId)).call).toMatchObject({ status: 'failed', endReason: 'cancelled' });
    await expect
      .poll(() => asterisk.cli('core show channels count'), { timeout: 5_000 })
      .toContain('0 active channels');
  });

  test('ends as no_answer when nobody takes it', async () => {
    const contextId = await line.call('noanswer', { ringTimeoutSeconds: 5 });

    const { call: ended } = await server.endedCall(contextId, 30_000);

    expect(ended).toMatchObject({ status: 'failed', endReason: 'no_answer' });
  }, 40_000);
});

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
