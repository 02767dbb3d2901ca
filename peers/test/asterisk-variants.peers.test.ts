import { ariKeys } from '@assistant/server/channels/asterisk/ari/ari-keys';
import { AriLinks } from '@assistant/server/channels/asterisk/ari/ari-links';
import type { CallContext } from '@assistant/server/core/call/call-context';
import type { OpenCredential } from '@assistant/server/core/credential/credential';
import { systemClock } from '@assistant/server/runtime/system-clock';
import { systemRandom } from '@assistant/server/runtime/system-random';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asterisk, startAsterisk } from '../src/asterisk/asterisk.ts';
import { accountOf, OutboundLine } from '../src/asterisk/outbound-line.ts';
import type { CallRecord } from '../src/server/call-record.ts';
import { type ServerUnderTest, startServer } from '../src/server/server-under-test.ts';
import { SAID, testAssistant } from '../src/server/test-assistant.ts';

let server: ServerUnderTest;
let asterisk: Asterisk;
let line: OutboundLine;

beforeAll(async () => {
  server = await startServer({ settings: testAssistant() });
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

describe.each([
  'audiosocket-slin',
  'audiosocket-slin16',
  'websocket-ulaw-json',
  'websocket-slin16',
  'websocket-slin16-json',
])('a call that we place through a real Asterisk 22, its audio by %s', (variant) => {
  test('the callee hears the greeting and presses a key, which is taken', async () => {
    const contextId = await line.call('presses1', { variant });

    const { call, dtmf, turns } = await server.endedCall(contextId, 40_000);

    expect(dtmf).toBe('1');
    expect(turns.at(-1)).toMatchObject({ role: 'assistant', text: SAID.billing, heardText: SAID.billing });
    expect(call).toMatchObject({ direction: 'outbound', status: 'ended', endReason: 'assistant_hung_up' });
    await expect
      .poll(() => asterisk.cli('core show channels count'), { timeout: 5_000 })
      .toContain('0 active channels');
  }, 60_000);
});

test.each(['audiosocket', 'websocket'])(
  'keys that we send reach the callee, over %s',
  async (transport) => {
    const contextId = await line.call('keys', { transport });
    await until(contextId, ({ call }) => call.status === 'live' && call.answeredAt !== null);
    const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => quiet };
    const metrics = { count: () => {}, gauge: () => {}, observe: () => {} };
    using links = new AriLinks({ clock: systemClock, random: systemRandom, log: quiet, metrics });

    await ariKeys({ links, random: systemRandom }).send(
      { context: { providerCallId: `rapida-${contextId}` } as CallContext, credential: credential() },
      '12A9',
      AbortSignal.timeout(10_000),
    );

    await expect.poll(() => asterisk.log(400), { timeout: 5_000 }).toContain('the callee heard 12A9');
    await server.post(`/v1/calls/${contextId}/end`, {});
    await server.endedCall(contextId);
  },
  60_000,
);

function credential(): OpenCredential {
  const values = accountOf(asterisk);
  return { id: 'lab', provider: 'asterisk', text: (key: string) => values[key] ?? null } as unknown as OpenCredential;
}

async function until(contextId: string, isThere: (record: CallRecord) => boolean): Promise<void> {
  await expect
    .poll(async () => isThere((await server.get(`/v1/calls/${contextId}`)) as CallRecord), {
      timeout: 15_000,
      interval: 300,
    })
    .toBe(true);
}
