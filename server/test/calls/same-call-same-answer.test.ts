import { callUrl } from '@assistant/peers/phone/phase-one';
import { DEMO_SETTINGS } from '@assistant/server/composition/demo-settings';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallServer, LONG_MS, startCallServer } from './call-server.ts';

let server: CallServer;

beforeAll(async () => {
  server = await startCallServer();
});

afterAll(() => server?.[Symbol.asyncDispose]());

describe('a carrier that asks again', () => {
  test(
    'twenty requests at once with one call id are one call, byte for byte; after its end the id opens attempt two of the same conversation',
    async () => {
      const assistantId = server.demo.assistantId;
      const request = { url: server.url, apiKey: server.apiKey, assistantId, from: '+15550100', callId: '1700000.42' };

      const answers = await Promise.all(Array.from({ length: 20 }, () => raw(callUrl(request))));

      const [first = ''] = answers;
      expect(first).toMatch(/^200 text\/plain; charset=utf-8 [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(answers).toEqual(Array.from({ length: 20 }, () => first));
      const contextId = first.slice(-36);
      expect(await contexts('1700000.42')).toEqual([{ contextId, attempt: 1, status: 'pending' }]);

      const phone = await server.connect(contextId);
      await phone.heardVoice(60, LONG_MS);
      expect(await raw(callUrl(request))).toBe(first);
      phone.hangUp();
      const { call } = await server.endedRecord(contextId);
      const next = (await raw(callUrl(request))).slice(-36);

      expect(call).toMatchObject({ endReason: 'caller_hung_up', attempt: 1 });
      expect(next).not.toBe(contextId);
      const [one, two] = [await server.record(contextId), await server.record(next)];
      expect(two.call).toMatchObject({ attempt: 2, status: 'ringing' });
      expect(conversationOf(two)).toBe(conversationOf(one));
      expect(conversationOf(one)).toMatch(/^\d+$/);
    },
    2 * LONG_MS,
  );

  test('the id of one assistant does not answer for another, and without an id every request is a call of its own', async () => {
    const other = await server.assistant(DEMO_SETTINGS);

    const [mine, others] = [
      await server.open(server.demo.assistantId, { callId: 'shared' }),
      await server.open(other, { callId: 'shared' }),
    ];
    const bare = await Promise.all(Array.from({ length: 5 }, () => server.open(server.demo.assistantId)));

    expect(others).not.toBe(mine);
    expect(new Set(bare).size).toBe(5);
    await server.idle();
    expect(server.faults()).toEqual([]);
  });
});

/** Status, content type and body: all that a carrier sees. */
async function raw(url: URL): Promise<string> {
  const response = await fetch(url);
  return `${response.status} ${response.headers.get('content-type')} ${await response.text()}`;
}

async function contexts(callId: string) {
  const { calls } = await server.storage.calls.list({ projectId: server.demo.projectId, limit: 100 });
  const found = calls.filter(({ providerCallId }) => providerCallId === callId);
  return await Promise.all(
    found.map(async ({ contextId, attempt }) => {
      const status = (await server.storage.calls.find(contextId))?.status;
      return { contextId, attempt, status };
    }),
  );
}

function conversationOf(record: object): string {
  return (record as { call: { conversationId: string } }).call.conversationId;
}
