import { expect, test } from 'vitest';
import type { EndReason } from '../core/call/call.ts';
import type { ContextId } from '../core/ids.ts';
import { LiveCalls } from './live-calls.ts';

const metrics = { count() {}, gauge() {}, observe() {} };
const ID = 'a' as ContextId;

test('a call that is told to end while it is being set up ends as soon as it is there', () => {
  const calls = new LiveCalls(2, metrics);
  const reasons: EndReason[] = [];
  {
    using _slot = calls.reserve();
    calls.end(ID, 'cancelled');
    calls.add({ contextId: ID, ended: new Promise(() => {}), end: (reason) => void reasons.push(reason) });
  }

  expect(reasons).toEqual(['cancelled']);
});

test('word of a call that is held elsewhere is forgotten', () => {
  const calls = new LiveCalls(2, metrics);
  const reasons: EndReason[] = [];
  calls.end(ID, 'cancelled');
  calls.add({ contextId: ID, ended: new Promise(() => {}), end: (reason) => void reasons.push(reason) });

  expect(reasons).toEqual([]);
});

test('a call that goes on without its conversation keeps the one slot, and is over when both are', async () => {
  const calls = new LiveCalls(1, metrics);
  const conversation = Promise.withResolvers<void>();
  const joined = Promise.withResolvers<void>();
  const told: string[] = [];
  calls.add({ contextId: ID, ended: conversation.promise, end: (reason) => void told.push(`conversation ${reason}`) });

  calls.carryOn({ contextId: ID, ended: joined.promise, end: (reason) => void told.push(`joined ${reason}`) });
  conversation.resolve();
  await conversation.promise;

  expect(calls.size).toBe(1);
  expect(() => calls.admit()).toThrow('1 calls are live');
  calls.endAll('drained');
  expect(told).toEqual(['conversation drained', 'joined drained']);
  joined.resolve();
  await calls.allEnded();
  expect(calls.size).toBe(0);
});

test('a call that goes on whose conversation is over already is taken, in a drain as well', async () => {
  const calls = new LiveCalls(1, metrics);
  const joined = Promise.withResolvers<void>();
  calls.drain();

  calls.carryOn({ contextId: ID, ended: joined.promise, end: () => joined.resolve() });
  expect(calls.size).toBe(1);
  calls.endAll('drained');
  await calls.allEnded();

  expect(calls.size).toBe(0);
});
