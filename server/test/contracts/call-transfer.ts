import type { CallTransfer, TransferOrder } from '@assistant/server/core/ports/call-transfer';
import { expect } from 'vitest';
import type { FakeClock } from '../fakes/fake-clock.ts';
import { type ContractPromise, contractTests } from './contract.ts';

export type CallTransferSubject = {
  readonly transfer: CallTransfer;
  /** The channel's clock. */
  readonly clock: FakeClock;
  /** A call that can be handed over. */
  readonly order: TransferOrder;
  /** What the other side does with what it is asked from now on. */
  readonly peer: (does: PeerDeed) => void;
  /** How often the other side was asked for anything. */
  readonly asked: () => number;
};

/** `hang_up`: the connection breaks without an answer. */
export type PeerDeed =
  | { readonly type: 'takes' }
  | { readonly type: 'answers'; readonly status: number; readonly body: string }
  | { readonly type: 'hang_up' };

const ANSWERS: readonly PeerDeed[] = [
  ...[200, 201, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 503].flatMap((status): PeerDeed[] =>
    ['', '{}', '[]', 'null', '<html>', '{"code":"x"}'].map((body) => ({ type: 'answers', status, body })),
  ),
  { type: 'hang_up' },
];

/** What every channel that hands calls over promises. */
export const callTransferPromises: readonly ContractPromise<CallTransferSubject>[] = [
  {
    name: 'a call that has all it takes meets no objection, one without its id at the carrier does',
    check: async ({ transfer, order }) => {
      expect(transfer.objection(order)).toBeNull();
      expect(transfer.objection({ ...order, context: { ...order.context, providerCallId: null } })).toMatch(/\w/);
    },
  },
  {
    name: 'a caller who is gone is handed to nobody',
    check: async ({ transfer, order, asked, clock }) => {
      const caller = new AbortController();
      caller.abort();

      const outcome = await passing(clock, transfer.transfer(order, caller.signal));

      expect(outcome).toMatchObject({ type: 'failed', reason: 'cancelled' });
      expect(asked()).toBe(0);
    },
  },
  {
    name: 'whatever the other side answers, an outcome comes of it, never an error, and no number is in its words',
    check: async ({ transfer, order, peer, clock }) => {
      for (const deed of ANSWERS) {
        peer(deed);
        const outcome = await passing(clock, transfer.transfer(order, new AbortController().signal));
        expect(['connected', 'handed_over', 'failed']).toContain(outcome.type);
        expect(JSON.stringify(outcome)).not.toContain(order.to.slice(-7));
      }
    },
  },
  {
    name: 'one that is taken is connected or handed over, and leaves no timer behind',
    check: async ({ transfer, order, peer, clock }) => {
      peer({ type: 'takes' });

      const outcome = await passing(clock, transfer.transfer(order, new AbortController().signal));

      expect(outcome.type).not.toBe('failed');
      expect(clock.pendingTimers).toBe(0);
    },
  },
  {
    name: 'aborted under way, because our leg ended, it resolves without time passing',
    check: async ({ transfer, order, peer, clock }) => {
      peer({ type: 'takes' });
      const caller = new AbortController();
      const outcome = transfer.transfer(order, caller.signal);

      caller.abort();

      expect(['handed_over', 'failed']).toContain((await passing(clock, outcome)).type);
      expect(clock.nowMs()).toBe(0);
      expect(clock.pendingTimers).toBe(0);
    },
  },
];

export function callTransferContract(
  title: string,
  open: Parameters<typeof contractTests<CallTransferSubject>>[2],
): void {
  contractTests(title, callTransferPromises, open);
}

/** Lets the channel's time pass until this is settled; the peer answers in its own. */
async function passing<Result>(clock: FakeClock, promise: Promise<Result>): Promise<Result> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined);
  while (!isSettled) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (clock.pendingTimers > 0) await clock.run(1_000, 1_000);
  }
  return await promise;
}
