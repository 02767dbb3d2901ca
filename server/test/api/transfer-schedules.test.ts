import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transferOver } from '../../src/calls/transfer-call-over.ts';
import { TRANSFER_FAILURES } from '../../src/core/call/transfer.ts';
import type { ContextId, NodeId, TransferId } from '../../src/core/ids.ts';
import type { CallChange } from '../../src/core/ports/channel.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { sampleContext } from '../postgres/sample-calls.ts';
import { type TransferWorld, transferWorld } from './transfer-world.ts';

const SCHEDULES = 60;
const FIRST_SEED = Number(process.env['FUZZ_SEED'] ?? 1);

let world: TransferWorld;
beforeAll(async () => {
  world = await transferWorld([]);
});
afterAll(() => world[Symbol.asyncDispose]());

type Over = Extract<CallChange, { readonly type: 'transfer_over' }>;

/** Words about one transfer as carriers send them: any, in any order, at once, again; the caller comes back or not meanwhile. */
async function live(seed: number) {
  const random = new SeededRandom(seed);
  const { calls, transfers } = world.storage;
  const assistant = await world.project();
  const conversationId = String(1_000_000 + seed) as never;
  const { context } = await calls.open(sampleContext(assistant, { conversationId }));
  const claimed = await calls.claim(context.contextId, 'twilio', 'node' as NodeId);
  const transferId = randomUUID() as TransferId;
  await transfers.ask({ ...claimed, transferId, to: '+14155552671', bookmark: null });
  await transfers.dial(transferId);
  const parts = { ...world.parts, calls, transfers, opened: () => undefined, endCall: async () => undefined };
  const served = new Set<ContextId>();
  const states: string[] = [];
  const note = async () => void states.push((await transfers.newestOf(context.contextId))?.state ?? '');
  const word = async () => {
    const failed = random.below(4) === 0 ? null : (TRANSFER_FAILURES[random.below(TRANSFER_FAILURES.length)] ?? null);
    const change: Over = { type: 'transfer_over', failed, isCallerWaiting: random.below(3) > 0 };
    const next = await transferOver(parts, claimed, change);
    if (next) served.add(next.contextId);
    await note();
  };
  const come = async () => {
    const [next] = served;
    if (next === undefined) return;
    await calls.claim(next, 'twilio', 'node' as NodeId).catch(() => undefined);
    await transfers.takeReturn(claimed.conversationId, next);
    await note();
  };
  const leave = async () => {
    const [next] = served;
    if (next !== undefined) await calls.end(next, 'caller_hung_up');
  };
  for (let step = 0; step < 8; step++) {
    const deeds = [word, word, word, come, leave];
    const now = Array.from({ length: 1 + random.below(3) }, () => deeds[random.below(deeds.length)]);
    await Promise.all(now.map((deed) => deed?.()));
  }
  const { calls: all } = await calls.list({ projectId: assistant.projectId, limit: 10 });
  return { served, states, all, transfer: await transfers.newestOf(context.contextId) };
}

test(`whatever a carrier tells of a transfer, the caller is asked back once at most, and a state that was left never comes again (${SCHEDULES} schedules)`, {
  timeout: 60_000,
}, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
    try {
      const { served, states, all, transfer } = await live(seed);
      expect(served.size).toBeLessThanOrEqual(1);
      expect(all.length).toBeLessThanOrEqual(2);
      expect(new Set(all.map(({ conversationId }) => conversationId)).size).toBe(1);
      if (transfer?.state === 'connected') expect(served.size).toBe(0);
      if (served.size === 1) expect([...served]).toEqual([transfer?.returnContextId]);
      if (states.includes('connected'))
        expect(new Set(states.filter((state) => state !== 'dialling'))).toEqual(new Set(['connected']));
      if (states.includes('returned')) expect(states).not.toContain('connected');
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed}`, { cause: error });
    }
  }
});
