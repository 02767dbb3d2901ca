import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshStorage } from '../../../test/postgres/fresh-database.ts';
import { type SampleAssistant, sampleAssistant, sampleContext } from '../../../test/postgres/sample-calls.ts';
import type { CallContext } from '../../core/call/call-context.ts';
import type { ConversationId, NodeId, TransferId } from '../../core/ids.ts';

const NODE = 'node' as NodeId;

let storage: Awaited<ReturnType<typeof freshStorage>>;
let assistant: SampleAssistant;
beforeAll(async () => {
  storage = await freshStorage();
  assistant = await sampleAssistant(storage.assistants);
});
afterAll(() => storage[Symbol.asyncDispose]());

/** A live call. */
async function call(): Promise<CallContext> {
  const conversationId = String(Math.floor(Math.random() * 9e15) + 1) as ConversationId;
  const { context } = await storage.calls.open(sampleContext(assistant, { conversationId }));
  return await storage.calls.claim(context.contextId, 'twilio', NODE);
}

async function asked({ contextId, conversationId, projectId }: CallContext, bookmark: object | null = null) {
  const transferId = randomUUID() as TransferId;
  await storage.transfers.ask({
    transferId,
    contextId,
    conversationId,
    projectId,
    to: '+14155552671',
    bookmark: bookmark as never,
  });
  return transferId;
}

async function dialled(context: CallContext, bookmark?: object) {
  const transferId = await asked(context, bookmark);
  expect(await storage.transfers.dial(transferId)).toBe(true);
  return transferId;
}

/** The next attempt of a call that has ended. */
async function nextAttempt(context: CallContext): Promise<CallContext> {
  await storage.calls.end(context.contextId, 'transferred');
  const { attempt: _, status: __, claimedBy: ___, expiresAt: ____, ...rest } = context;
  return (await storage.calls.open({ ...rest, contextId: randomUUID() as never, ttlMs: 60_000 })).context;
}

describe('a transfer', () => {
  test('goes from asked over dialling to connected, and stays there', async () => {
    const context = await call();
    const transferId = await asked(context);
    expect(await storage.transfers.newestOf(context.contextId)).toMatchObject({
      transferId,
      state: 'asked',
      to: '+14155552671',
      failure: null,
      diallingAt: null,
      overAt: null,
    });

    expect(await storage.transfers.dial(transferId)).toBe(true);
    expect(await storage.transfers.settle(transferId, null)).toBe(true);

    expect(await storage.transfers.settle(transferId, 'busy')).toBe(false);
    expect(await storage.transfers.dial(transferId)).toBe(false);
    const detail = await storage.calls.get(context.projectId, context.contextId);
    expect(detail?.transfers).toMatchObject([{ state: 'connected', overAt: expect.any(Date) }]);
  });

  test('is settled once, whoever of many is first', async () => {
    const transferId = await dialled(await call());

    const outcomes = await Promise.all(
      (['busy', null, 'no_answer', 'busy', null] as const).map((failed) =>
        storage.transfers.settle(transferId, failed),
      ),
    );

    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });

  test('settled on the carrier’s word leaves one line in the record, behind those of the call', async () => {
    const context = await call();
    const { contextId } = context;
    const transferId = await dialled(context);
    const event = { atMs: 5, type: 'ended', seq: 0 };
    await storage.calls.append([{ contextId, turns: [], events: [event], dtmf: '' }]);

    await storage.transfers.settleLate({ transferId, contextId }, 'busy');
    await storage.transfers.settleLate({ transferId, contextId }, 'busy');
    await storage.calls.append([{ contextId, turns: [], events: [{ atMs: 6, type: 'late', seq: 1 }], dtmf: '' }]);

    const detail = await storage.calls.get(context.projectId, contextId);
    expect(detail?.events).toMatchObject([
      { type: 'ended' },
      { type: 'late' },
      { type: 'transfer_failed', data: { reason: 'busy' } },
    ]);
  });
});

describe('a caller who comes back', () => {
  test('brings the transfer along that failed, with its bookmark', async () => {
    const context = await call();
    const transferId = await dialled(context, { node: 'agent' });
    await storage.transfers.settleLate({ transferId, contextId: context.contextId }, 'busy');
    const next = await nextAttempt(context);
    expect(await storage.transfers.askBack(transferId, next.contextId)).toBe(true);

    const back = await storage.transfers.takeReturn(next.conversationId, next.contextId);

    expect(back).toMatchObject({
      transferId,
      state: 'returned',
      failure: 'busy',
      bookmark: { node: 'agent' },
      returnContextId: next.contextId,
    });
    expect(await storage.transfers.takeReturn(next.conversationId, next.contextId)).toEqual(back);
  });

  test('without the carrier’s word was not answered', async () => {
    const context = await call();
    const transferId = await dialled(context);
    await storage.transfers.handOver(transferId);
    const next = await nextAttempt(context);

    const back = await storage.transfers.takeReturn(next.conversationId, next.contextId);

    expect(back).toMatchObject({ state: 'returned', failure: 'no_answer' });
  });

  test('is asked back into one attempt only', async () => {
    const context = await call();
    const transferId = await dialled(context);
    const next = await nextAttempt(context);

    expect(await storage.transfers.askBack(transferId, next.contextId)).toBe(true);
    expect(await storage.transfers.askBack(transferId, next.contextId)).toBe(true);
    expect(await storage.transfers.askBack(transferId, context.contextId)).toBe(false);
  });

  test('brings nothing along from a transfer that connected, nor from one that never left us', async () => {
    const talked = await call();
    const connected = await dialled(talked);
    await storage.transfers.settleLate({ transferId: connected, contextId: talked.contextId }, null);
    const stayed = await call();
    await storage.transfers.settle(await dialled(stayed), 'busy');

    for (const context of [talked, stayed]) {
      const next = await nextAttempt(context);
      expect(await storage.transfers.takeReturn(next.conversationId, next.contextId)).toBeNull();
    }
  });
});
