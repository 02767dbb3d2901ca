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
