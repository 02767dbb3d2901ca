import { describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../test/fakes/fake-clock.ts';
import { RecordingLog } from '../../test/fakes/recording-log.ts';
import type { EndReason } from '../core/call/call.ts';
import type { ContextId } from '../core/ids.ts';
import { drainCalls } from './drain-calls.ts';
import type { LiveCall } from './live-calls.ts';
import { LiveCalls } from './live-calls.ts';

function gauges() {
  const values: number[] = [];
  return {
    values,
    metrics: { count() {}, gauge: (_: string, value: number) => void values.push(value), observe() {} },
  };
}

function call(contextId: string): LiveCall & { readonly reasons: EndReason[]; finish(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const reasons: EndReason[] = [];
  return {
    contextId: contextId as ContextId,
    ended: promise,
    reasons,
    end: (reason) => void reasons.push(reason),
    finish: resolve,
  };
}

const never = new Promise<void>(() => {});

describe('the calls of a process', () => {
  test('a full house refuses the next call until one has ended', async () => {
    const { metrics, values } = gauges();
    const calls = new LiveCalls(1, metrics);
    const first = call('a');
    calls.add(first);

    expect(() => calls.admit()).toThrow('1 calls are live');
    first.finish();
    await settle();

    expect(() => calls.admit()).not.toThrow();
    expect(values).toEqual([0, 1, 0]);
  });

  test('a slot that is being set up counts, and is given back once', () => {
    const calls = new LiveCalls(1, gauges().metrics);
    const slot = calls.reserve();

    expect(() => calls.reserve()).toThrow('No call slot is free');
    slot[Symbol.dispose]();
    slot[Symbol.dispose]();

    expect(() => calls.reserve()[Symbol.dispose]()).not.toThrow();
    expect(() => calls.reserve()).not.toThrow();
  });

  test('a draining process takes no call', () => {
    const calls = new LiveCalls(1, gauges().metrics);

    calls.drain();

    expect(() => calls.admit()).toThrow('This server is shutting down');
  });
});

describe('a drain', () => {
  const world = () => ({
    liveCalls: new LiveCalls(9, gauges().metrics),
    clock: new FakeClock(),
    log: new RecordingLog(),
  });

  test('waits for the calls that are live, and for nothing else', async () => {
    const parts = world();
    const live = call('a');
    parts.liveCalls.add(live);
    let isDone = false;

    const drained = drainCalls(parts, 120_000, never).then(() => {
      isDone = true;
    });
    await parts.clock.run(1_000, 500);
    expect(isDone).toBe(false);
    live.finish();
    await drained;

    expect(live.reasons).toEqual([]);
    expect(parts.clock.pendingTimers).toBe(0);
  });

  test('ends what is left after the grace, and waits for its last words', async () => {
    const parts = world();
    const live = call('a');
    parts.liveCalls.add(live);

    const drained = drainCalls(parts, 2_000, never);
    await parts.clock.run(2_000, 500);
    expect(live.reasons).toEqual(['drained']);
    live.finish();
    await drained;

    expect(parts.clock.pendingTimers).toBe(0);
  });

  test('is cut short by a second signal', async () => {
    const parts = world();
    const live = call('a');
    parts.liveCalls.add(live);

    const drained = drainCalls(parts, 120_000, Promise.resolve());
    await settle();
    expect(live.reasons).toEqual(['drained']);
    live.finish();

    await drained;
  });
});
