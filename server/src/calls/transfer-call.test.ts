import { describe, expect, test } from 'vitest';
import { CONTEXT } from '../../test/fakes/call-world.ts';
import { FakeClock, settle } from '../../test/fakes/fake-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../test/fakes/recording-log.ts';
import type { TransferFailure } from '../core/call/transfer.ts';
import { AppError } from '../core/errors.ts';
import type { FieldValues } from '../core/form/field.ts';
import type { CallTransfer, TransferOrder, TransferOutcome } from '../core/ports/call-transfer.ts';
import { handOverOn } from './transfer-call.ts';

const NUMBER = '+14155552671';

/** A call on a line that dials as the test says; all that is written of its transfers, in order. */
class Line {
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly written: string[] = [];
  readonly notes: string[] = [];
  readonly orders: TransferOrder[] = [];
  readonly caller = new AbortController();
  readonly #settings: FieldValues;
  readonly #transfer: CallTransfer['transfer'];
  readonly audited: string[] = [];
  listed: readonly string[] = [];
  isDatabaseAway = false;

  constructor(transfer: CallTransfer['transfer'], settings: FieldValues = {}) {
    this.#transfer = transfer;
    this.#settings = settings;
  }

  hand(to = NUMBER): Promise<TransferOutcome> {
    const write = async (what: string) => {
      if (this.isDatabaseAway) throw new AppError('database_unavailable');
      this.written.push(what);
      return true;
    };
    const handOver = handOverOn(
      {
        transfers: {
          ask: async ({ to: number, bookmark }) => void (await write(`asked ${number} ${JSON.stringify(bookmark)}`)),
          dial: () => write('dialling'),
          settle: (_, failed: TransferFailure | null) => write(failed ?? 'connected'),
          handOver: async () => void (await write('handed over')),
        },
        numberLists: { has: async (_project, _list, number) => this.listed.includes(number) },
        audit: { append: async ({ action }) => void this.audited.push(action) },
        clock: this.clock,
        random: { uuid: () => '21111111-2222-4333-8444-555555555555', bytes: (n) => new Uint8Array(n), below: () => 0 },
        log: this.log,
        metrics: this.metrics,
      },
      {
        context: { ...CONTEXT, channel: 'twilio', to: '+14155550100' },
        transfer: {
          objection: () => null,
          transfer: (order, signal) => {
            this.orders.push(order);
            return this.#transfer(order, signal);
          },
        },
        credential: null,
        settings: this.#settings,
        publicHost: 'voice.example.com',
      },
    );
    return handOver({ to, bookmark: { node: 'x' } }, this.caller.signal, (type) => void this.notes.push(type));
  }
}

const gives = (outcome: TransferOutcome) => async () => outcome;
const BUSY: TransferOutcome = { type: 'failed', reason: 'busy', detail: '486' };

describe('handing a call over', () => {
  test.each<[string, TransferOutcome, string, string]>([
    ['connects', { type: 'connected' }, 'connected', 'transfer_connected'],
    ['is handed over', { type: 'handed_over' }, 'handed over', 'transfer_handed_over'],
    ['fails', BUSY, 'busy', 'transfer_failed'],
  ])('one that %s leaves each of its states behind', async (_what, outcome, last, event) => {
    const line = new Line(gives(outcome));

    expect(await line.hand()).toEqual(outcome);

    expect(line.written).toEqual([`asked ${NUMBER} {"node":"x"}`, 'dialling', last]);
    expect(line.notes).toEqual(['transfer_asked', 'transfer_dialling', event]);
    expect(line.clock.pendingTimers).toBe(0);
  });

  test('the target is dialled as it was checked, and rings as long as the deployment says', async () => {
    const line = new Line(gives({ type: 'connected' }), { transfer_ring_seconds: 12 });

    await line.hand(' (415) 555-2671 ');

    expect(line.orders).toMatchObject([{ to: NUMBER, ringTimeoutSeconds: 12, publicHost: 'voice.example.com' }]);
  });

  test('a target that may not be dialled never is', async () => {
    const line = new Line(gives({ type: 'connected' }), { allowed_countries: ['DE'] });

    const outcome = await line.hand();

    expect(outcome).toMatchObject({ type: 'failed', reason: 'rejected' });
    expect(line.orders).toEqual([]);
    expect(line.written.at(-1)).toBe('rejected');
    expect(line.notes).toEqual(['transfer_asked', 'transfer_failed']);
  });

  test('nor is one on the do-not-call list: the caller stays, and the record says rejected', async () => {
    const line = new Line(gives({ type: 'connected' }));
    line.listed = ['14155552671'];

    const outcome = await line.hand();

    expect(outcome).toMatchObject({ type: 'failed', reason: 'rejected', detail: expect.stringContaining('list') });
    expect(line.orders).toEqual([]);
    expect(line.written).toEqual([`asked ${NUMBER} {"node":"x"}`, 'rejected']);
    expect(line.notes).toEqual(['transfer_asked', 'transfer_failed']);
    expect(line.audited).toEqual(['transfer.refused']);
  });

  test('the caller comes before the record: without a database it is tried all the same', async () => {
    const line = new Line(gives({ type: 'connected' }));
    line.isDatabaseAway = true;

    expect(await line.hand()).toEqual({ type: 'connected' });
    expect(line.log.events).toContain('transfer.not_written');
  });

  test('a channel that throws has failed', async () => {
    const line = new Line(async () => {
      throw new Error('a fault of its own');
    });

    expect(await line.hand()).toMatchObject({ type: 'failed', reason: 'unreachable' });
    expect(line.clock.pendingTimers).toBe(0);
  });

  test('no number and no secret is in the log', async () => {
    const line = new Line(gives(BUSY));

    await line.hand();

    expect(JSON.stringify(line.log.entries)).not.toContain('4155552671');
  });
});

describe('a transfer of which no word comes', () => {
  const never = () => {
    let signal: AbortSignal | null = null;
    const transfer: CallTransfer['transfer'] = (_order, given) => {
      signal = given;
      return new Promise(() => {});
    };
    return { transfer, isAborted: () => signal?.aborted };
  };

  test('is taken back 15 s after it should have stopped ringing, and waited for 10 s more', async () => {
    const { transfer, isAborted } = never();
    const line = new Line(transfer);
    let outcome: TransferOutcome | null = null;
    void line.hand().then((given) => {
      outcome = given;
    });
    await settle();

    await line.clock.run(44_999, 1_000);
    expect(isAborted()).toBe(false);
    await line.clock.run(1, 1);
    expect(isAborted()).toBe(true);
    await line.clock.run(9_999, 1_000);
    expect(outcome).toBeNull();
    await line.clock.run(1, 1);

    expect(outcome).toMatchObject({ type: 'failed', reason: 'no_answer' });
    expect(line.clock.pendingTimers).toBe(0);
  });

  test('ends 10 s after the caller hung up', async () => {
    const { transfer, isAborted } = never();
    const line = new Line(transfer);
    const handing = line.hand();
    await settle();

    line.caller.abort();
    expect(isAborted()).toBe(true);
    await line.clock.run(10_000, 1_000);

    expect(await handing).toMatchObject({ type: 'failed', reason: 'cancelled' });
    expect(line.clock.pendingTimers).toBe(0);
  });
});
