import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshStorage } from '../../../test/postgres/fresh-database.ts';
import {
  SAMPLE_SETTINGS,
  type SampleAssistant,
  sampleAssistant,
  sampleContext,
  sampleTurn,
} from '../../../test/postgres/sample-calls.ts';
import type { EndReason } from '../../core/call/call.ts';
import type { ContextId, ConversationId, NodeId, ProjectId } from '../../core/ids.ts';
import type { Storage } from '../open-storage.ts';

const NODE = 'node-a' as NodeId;
let storage: Storage;
let assistant: SampleAssistant;

beforeAll(async () => {
  storage = await freshStorage();
  assistant = await sampleAssistant(storage.assistants);
});
afterAll(() => storage[Symbol.asyncDispose]());

const open = async (changes = {}) => (await storage.calls.open(sampleContext(assistant, changes))).context;
const claim = (contextId: ContextId) => storage.calls.claim(contextId, 'twilio', NODE);
const stored = async (contextId: ContextId) => (await storage.calls.get(assistant.projectId, contextId))?.call;

describe('opening', () => {
  test('a webhook repeated 20 times at once is one call', async () => {
    const repeats = Array.from({ length: 20 }, () => sampleContext(assistant, { providerCallId: 'CA-repeated' }));

    const opened = await Promise.all(repeats.map((context) => storage.calls.open(context)));

    expect(opened.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(opened.map(({ context }) => JSON.stringify(context))).size).toBe(1);
  });

  test('the same call while it is live is that call; after its end it is the next attempt of the same conversation', async () => {
    const first = await open({ providerCallId: 'CA-back', conversationId: '1000000000000001' as ConversationId });
    await claim(first.contextId);
    const whileLive = await open({ providerCallId: 'CA-back', conversationId: '1000000000000002' as ConversationId });
    await storage.calls.end(first.contextId, 'transferred');
    const after = await open({ providerCallId: 'CA-back', conversationId: '1000000000000003' as ConversationId });

    expect(whileLive).toMatchObject({ contextId: first.contextId, attempt: 1, status: 'claimed' });
    expect(after).toMatchObject({ attempt: 2, conversationId: '1000000000000001', status: 'pending' });
    expect(after.contextId).not.toBe(first.contextId);
  });

  test('a context that ran out before anybody swept it is not handed out again', async () => {
    const overdue = await open({ providerCallId: 'CA-late', ttlMs: -1 });

    const again = await open({ providerCallId: 'CA-late' });

    expect(again).toMatchObject({ attempt: 2, status: 'pending' });
    expect(await stored(overdue.contextId)).toMatchObject({ status: 'failed', endReason: 'never_connected' });
  });

  test("another assistant's id never answers for this one, nor another channel's", async () => {
    const other = await sampleAssistant(storage.assistants);
    const here = await open({ providerCallId: 'CA-shared' });

    const there = await storage.calls.open(sampleContext(other, { providerCallId: 'CA-shared' }));
    const elsewhere = await open({ providerCallId: 'CA-shared', channel: 'exotel' });

    expect(new Set([here.contextId, there.context.contextId, elsewhere.contextId]).size).toBe(3);
  });

  test('without a provider call id every request is a new call', async () => {
    const one = await open({ providerCallId: null });
    const two = await open({ providerCallId: null });

    expect(one.contextId).not.toBe(two.contextId);
    expect([one.attempt, two.attempt]).toEqual([1, 1]);
  });

  test('bytes that PostgreSQL cannot hold cost the call nothing but themselves', async () => {
    const context = await open({ from: '+1\u0000555', args: { 'a\u0000b': ['x\u0000y', { deep: '\ud800!' }] } });

    expect(context.from).toBe('+1555');
    expect(context.args).toEqual({ ab: ['xy', { deep: '\ufffd!' }] });
  });

  test('a version that does not exist is refused by name', async () => {
    await expect(open({ assistantVersion: 99 })).rejects.toMatchObject({ code: 'assistant_not_found' });
  });
});

describe('opening for media that is there already', () => {
  test('the call is claimed and live from the start, with its settings, and nobody can claim it', async () => {
    const { context, isNew, claimed } = await storage.calls.open(sampleContext(assistant, { claimFor: NODE }));

    expect(isNew).toBe(true);
    expect(context).toMatchObject({ status: 'claimed', claimedBy: NODE });
    expect(claimed).toEqual({ ...context, settings: SAMPLE_SETTINGS });
    expect(await stored(context.contextId)).toMatchObject({ status: 'live', answeredAt: expect.any(Date) });
    await expect(claim(context.contextId)).rejects.toMatchObject({ code: 'context_claimed' });
  });

  test('one that is there already is found, and not claimed', async () => {
    const first = await open({ providerCallId: 'CA-direct' });

    const found = await storage.calls.open(sampleContext(assistant, { providerCallId: 'CA-direct', claimFor: NODE }));

    expect(found).toEqual({ context: first, isNew: false });
  });

  test('one that ended before it was answered has no time of an answer', async () => {
    const { contextId } = await open({ claimFor: NODE });

    await storage.calls.end(contextId, 'cancelled', { wasAnswered: false });

    expect(await stored(contextId)).toMatchObject({ endReason: 'cancelled', answeredAt: null });
  });

  test('a limit of the assistant holds for it too', async () => {
    const limited = await sampleAssistant(storage.assistants);
    const one = () => storage.calls.open({ ...sampleContext(limited), claimFor: NODE, maxOpenCalls: 1 });

    expect((await one()).claimed?.settings).toEqual(SAMPLE_SETTINGS);
    await expect(one()).rejects.toMatchObject({ code: 'limit_reached' });
  });
});

describe('claiming', () => {
  test('hands over everything a conversation is built from, once', async () => {
    const { contextId } = await open({ metadata: { campaign: 7 } });

    const claimed = await claim(contextId);

    expect(claimed).toMatchObject({ contextId, status: 'claimed', claimedBy: 'node-a', metadata: { campaign: 7 } });
    expect(claimed.settings).toEqual(SAMPLE_SETTINGS);
    await expect(claim(contextId)).rejects.toMatchObject({ code: 'context_claimed' });
    expect((await stored(contextId))?.status).toBe('live');
  });

  test('keeps the version the call was opened with', async () => {
    const edited = await sampleAssistant(storage.assistants);
    const { context } = await storage.calls.open(sampleContext(edited));
    await storage.assistants.addVersion(edited.assistantId, { ...SAMPLE_SETTINGS, language: 'de-DE' });

    const claimed = await claim(context.contextId);

    expect(claimed.settings.language).toBe('en-US');
  });

  test('says which of the four things is wrong', async () => {
    const overdue = await open({ ttlMs: -1 });
    const cancelled = await open();
    await storage.calls.end(cancelled.contextId, 'cancelled');
    const over = await open();
    await claim(over.contextId);
    await storage.calls.end(over.contextId, 'idle');
    const here = await open();

    await expect(claim(randomUUID() as ContextId)).rejects.toMatchObject({ code: 'context_not_found' });
    await expect(storage.calls.claim(here.contextId, 'vonage', NODE)).rejects.toMatchObject({
      code: 'context_not_found',
    });
    await expect(claim(overdue.contextId)).rejects.toMatchObject({ code: 'context_expired' });
    await expect(claim(cancelled.contextId)).rejects.toMatchObject({ code: 'context_expired' });
    await expect(claim(over.contextId)).rejects.toMatchObject({ code: 'context_claimed' });
  });
});

describe('ending', () => {
  test('of 20 ends at once exactly one is written, and its reason stays', async () => {
    const { contextId } = await open();
    await claim(contextId);
    const reasons = Array.from(
      { length: 20 },
      (_, index): EndReason => (index % 2 ? 'caller_hung_up' : 'media_failed'),
    );

    const results = await Promise.all(reasons.map((reason) => storage.calls.end(contextId, reason)));

    expect(results.filter(Boolean)).toHaveLength(1);
    const winner = reasons[results.indexOf(true)];
    expect(await stored(contextId)).toMatchObject({ endReason: winner });
  });

  test('ends the context with the call', async () => {
    const { contextId } = await open();

    await storage.calls.end(contextId, 'drained');

    expect((await storage.calls.find(contextId))?.status).toBe('ended');
    expect(await stored(contextId)).toMatchObject({ status: 'ended', endReason: 'drained' });
  });

  test('a status only moves forward, and not at all after the end', async () => {
    const { contextId } = await open();

    expect(await storage.calls.setStatus(contextId, 'live')).toBe(true);
    expect(await storage.calls.setStatus(contextId, 'ringing')).toBe(true);
    expect((await stored(contextId))?.status).toBe('live');
    await storage.calls.end(contextId, 'idle');
    expect(await storage.calls.setStatus(contextId, 'live')).toBe(false);
    expect((await stored(contextId))?.status).toBe('ended');
  });

  test('ending what does not exist is false, not an error', async () => {
    expect(await storage.calls.end(randomUUID() as ContextId, 'idle')).toBe(false);
  });
});

describe('ending many at once', () => {
  test('each call gets the state of its own reason, and one that has ended keeps the first', async () => {
    const [talked, never, over] = await Promise.all([open(), open(), open()]);
    await claim(talked.contextId);
    await storage.calls.end(over.contextId, 'cancelled');

    await storage.calls.endAll([
      { contextId: talked.contextId, reason: 'caller_hung_up' },
      { contextId: never.contextId, reason: 'never_connected' },
      { contextId: over.contextId, reason: 'error' },
      { contextId: randomUUID() as ContextId, reason: 'error' },
    ]);

    expect(await stored(talked.contextId)).toMatchObject({ status: 'ended', endReason: 'caller_hung_up' });
    expect(await stored(never.contextId)).toMatchObject({ status: 'failed', endReason: 'never_connected' });
    expect(await stored(over.contextId)).toMatchObject({ endReason: 'cancelled' });
    expect((await storage.calls.find(talked.contextId))?.status).toBe('ended');
    expect((await storage.calls.find(never.contextId))?.status).toBe('expired');
  });
});

describe('records', () => {
  test('500 turns and 500 events of a call come back as they were, in order', async () => {
    const { contextId } = await open();
    const waterfall = {
      endpointMs: 600,
      sttFinalMs: 700.25,
      firstTokenMs: null,
      firstSentenceMs: null,
      firstTtsByteMs: 800,
      firstFrameSentMs: 820,
      firstFramePlayedMs: null,
    };
    const turns = Array.from({ length: 500 }, (_, index) => sampleTurn(index, { waterfall }));
    const events = Array.from({ length: 500 }, (_, seq) => ({ seq, atMs: seq / 4, type: 'digit', data: { key: '5' } }));

    await storage.calls.append([{ contextId, turns, events, dtmf: '12#' }]);

    const detail = await storage.calls.get(assistant.projectId, contextId);
    expect(detail?.turns).toEqual(turns);
    expect(detail?.events).toEqual(events.map(({ seq: _, ...event }) => event));
    expect(detail?.dtmf).toBe('12#');
  });

  test('what comes twice is there once, and the later word on a turn stays', async () => {
    const { contextId } = await open();
    const batch = { contextId, turns: [sampleTurn(0)], events: [{ seq: 0, atMs: 1, type: 'claimed' }], dtmf: '12' };

    await storage.calls.append([batch, batch]);
    await storage.calls.append([{ ...batch, turns: [sampleTurn(0, { heardText: 'turn' })], dtmf: '1' }]);

    const detail = await storage.calls.get(assistant.projectId, contextId);
    expect(detail?.turns).toEqual([sampleTurn(0, { heardText: 'turn' })]);
    expect(detail?.events).toEqual([{ atMs: 1, type: 'claimed' }]);
    expect(detail?.dtmf).toBe('12');
  });

  test('a batch of many calls is kept although one of them does not exist', async () => {
    const one = await open();
    const two = await open();
    const record = (contextId: ContextId) => ({ contextId, turns: [sampleTurn(0)], events: [], dtmf: '' });

    await storage.calls.append([record(one.contextId), record(randomUUID() as ContextId), record(two.contextId)]);

    expect((await storage.calls.get(assistant.projectId, one.contextId))?.turns).toHaveLength(1);
    expect((await storage.calls.get(assistant.projectId, two.contextId))?.turns).toHaveLength(1);
  });

  test('a time that is no number is kept as zero, not the whole batch lost', async () => {
    const { contextId } = await open();

    await storage.calls.append([
      {
        contextId,
        turns: [sampleTurn(0, { startedAtMs: Number.NaN })],
        events: [{ seq: 0, atMs: Number.POSITIVE_INFINITY, type: 'x' }],
        dtmf: '',
      },
    ]);

    const detail = await storage.calls.get(assistant.projectId, contextId);
    expect(detail?.turns[0]?.startedAtMs).toBe(0);
    expect(detail?.events).toEqual([{ atMs: 0, type: 'x' }]);
  });

  test('a call of another project is not there', async () => {
    const { contextId } = await open();

    expect(await storage.calls.get('999999' as ProjectId, contextId)).toBeNull();
  });
});

describe('pages', () => {
  test('newest first, 200 at most, nothing twice and nothing left out, although calls come in meanwhile', async () => {
    const busy = await sampleAssistant(storage.assistants);
    const openBusy = async () => (await storage.calls.open(sampleContext(busy))).context.contextId;
    const made: ContextId[] = [];
    for (let count = 0; count < 450; count++) made.push(await openBusy());

    const first = await storage.calls.list({ projectId: busy.projectId, limit: 1_000 });
    await openBusy();
    const second = await storage.calls.list({ projectId: busy.projectId, limit: 200, cursor: first.nextCursor ?? '' });
    const third = await storage.calls.list({ projectId: busy.projectId, limit: 200, cursor: second.nextCursor ?? '' });

    const ids = [first, second, third].flatMap((page) => page.calls.map(({ contextId }) => contextId));
    expect(ids).toEqual(made.toReversed());
    expect([first.calls.length, second.calls.length, third.calls.length]).toEqual([200, 200, 50]);
    expect(third.nextCursor).toBeNull();
  });

  test('filtered by status and by assistant', async () => {
    const own = await sampleAssistant(storage.assistants);
    const { context } = await storage.calls.open(sampleContext(own));
    await storage.calls.open(sampleContext(own));
    await storage.calls.end(context.contextId, 'idle');
    const count = async (query: object) =>
      (await storage.calls.list({ projectId: own.projectId, limit: 10, ...query })).calls.length;

    expect(await count({ status: 'ended' })).toBe(1);
    expect(await count({ status: 'ringing' })).toBe(1);
    expect(await count({ assistantId: own.assistantId })).toBe(2);
    expect(await count({ assistantId: assistant.assistantId })).toBe(0);
  });

  test('a cursor we did not make is refused', async () => {
    const list = storage.calls.list({ projectId: assistant.projectId, limit: 10, cursor: "1' or 1=1" });

    await expect(list).rejects.toMatchObject({ code: 'invalid_parameters' });
  });
});

describe('giving up a claim that got no answer', () => {
  test('a pending call can no longer be claimed', async () => {
    const { contextId } = await open();

    expect(await storage.calls.giveUp(contextId, NODE, { isPendingKept: false })).toBe(true);

    await expect(claim(contextId)).rejects.toMatchObject({ code: 'context_expired' });
    expect(await stored(contextId)).toMatchObject({ status: 'failed', endReason: 'never_connected' });
  });

  test('a pending call is kept where the claim failed at once: it may be tried again', async () => {
    const { contextId } = await open();

    expect(await storage.calls.giveUp(contextId, NODE, { isPendingKept: true })).toBe(false);

    expect(await claim(contextId)).toMatchObject({ contextId });
  });

  test('a claim that the database carried out after all is ended, but never one of another node', async () => {
    const ours = await open();
    const theirs = await open();
    await claim(ours.contextId);
    await storage.calls.claim(theirs.contextId, 'twilio', 'node-b' as NodeId);

    expect(await storage.calls.giveUp(ours.contextId, NODE, { isPendingKept: true })).toBe(true);
    expect(await storage.calls.giveUp(theirs.contextId, NODE, { isPendingKept: false })).toBe(false);

    expect(await stored(theirs.contextId)).toMatchObject({ status: 'live', endReason: null });
  });
});
