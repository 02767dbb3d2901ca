import { describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../test/fakes/fake-clock.ts';
import type { EndReason } from '../core/call/call.ts';
import type { CallTurn } from '../core/call/call-record.ts';
import type { ContextId, NodeId } from '../core/ids.ts';
import type { CallEnding, CallRecordBatch } from '../core/ports/call-repository.ts';
import { CallJournal } from './call-journal.ts';

const CALL = '11111111-2222-4333-8444-555555555555' as ContextId;
const quiet = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };

function world() {
  const clock = new FakeClock();
  const written: (readonly CallRecordBatch[] | EndReason[])[] = [];
  const dropped: number[] = [];
  const whileEnding: (() => void)[] = [];
  const given: NodeId[] = [];
  const database = { isAway: false };
  const calls = {
    append: async (batch: readonly CallRecordBatch[]) => {
      if (database.isAway) throw new Error('away');
      written.push(batch);
    },
    endAll: async (endings: readonly CallEnding[]) => {
      if (database.isAway) throw new Error('away');
      written.push(endings.map(({ reason }) => reason));
      whileEnding.pop()?.();
    },
  };
  const giveUp = async (_: ContextId, nodeId: NodeId) => {
    if (database.isAway) throw new Error('away');
    given.push(nodeId);
    return true;
  };
  const metrics = { count: (_: string, __?: unknown, by = 1) => void dropped.push(by), gauge() {}, observe() {} };
  const journal = new CallJournal({ calls: { ...calls, giveUp }, clock, log: quiet, metrics });
  return { clock, written, dropped, given, database, journal, whileEnding };
}

const turn = (index: number): CallTurn => ({
  index,
  role: 'caller',
  startedAtMs: 0,
  endedAtMs: 1,
  text: 'billing',
  heardText: 'billing',
  wasInterrupted: false,
  source: 'speech',
  waterfall: null,
});

describe('the journal', () => {
  test('turns, events and keys of half a second become one write', async () => {
    const { clock, written, journal } = world();
    const page = journal.open(CALL);

    page.turn(turn(0));
    page.event({ atMs: 1, type: 'digit' });
    page.digit('1');
    page.digit('2');
    await clock.run(490);
    expect(written).toEqual([]);
    await clock.run(20);

    expect(written).toEqual([
      [{ contextId: CALL, turns: [turn(0)], events: [{ atMs: 1, type: 'digit', seq: 0 }], dtmf: '12' }],
    ]);
  });

  test('the terminal state follows the last turn, and the page is gone', async () => {
    const { written, journal } = world();
    journal.open(CALL).turn(turn(0));

    const ended = journal.end(CALL, 'caller_hung_up');
    await journal.flush();
    await ended;

    expect(written).toEqual([[{ contextId: CALL, turns: [turn(0)], events: [], dtmf: '' }], ['caller_hung_up']]);
    expect(journal.pendingCalls).toBe(0);
  });

  test('while the database is away nothing is lost and the order is kept', async () => {
    const { clock, written, database, journal } = world();
    const page = journal.open(CALL);
    database.isAway = true;

    page.turn(turn(0));
    await clock.run(600);
    page.turn(turn(1));
    const ended = journal.end(CALL, 'idle');
    await clock.run(2_000);
    expect(written).toEqual([]);
    database.isAway = false;
    await clock.run(6_000);
    await ended;

    expect(written).toEqual([[{ contextId: CALL, turns: [turn(0), turn(1)], events: [], dtmf: '' }], ['idle']]);
  });

  test('a call that outgrows its bound loses its oldest events, counted, and no turn', async () => {
    const { written, dropped, journal } = world();
    const page = journal.open(CALL);

    page.turn(turn(0));
    for (let atMs = 0; atMs < 2_000; atMs++) page.event({ atMs, type: 'noise' });
    await journal.flush();

    const [batch] = written[0] as readonly CallRecordBatch[];
    expect(batch?.turns).toHaveLength(1);
    expect(batch?.events[0]?.seq).toBe(1);
    expect(dropped).toEqual([1]);
  });

  test('a claim that got no answer is given up once the database answers, in the name of this node only', async () => {
    const { clock, written, given, database, journal } = world();
    database.isAway = true;

    const done = journal.giveUp(CALL, { nodeId: 'n-1' as NodeId, isPendingKept: false });
    await clock.run(2_000);
    expect(given).toEqual([]);
    database.isAway = false;
    await clock.run(6_000);
    await done;

    expect(given).toEqual(['n-1']);
    expect(written).toEqual([]);
  });

  test('a call that was let go of and taken after all is not ended by it', async () => {
    const { clock, given, written, database, journal } = world();
    database.isAway = true;
    void journal.giveUp(CALL, { nodeId: 'n-1' as NodeId, isPendingKept: true });
    await clock.run(1_000);

    journal.open(CALL).turn(turn(0));
    database.isAway = false;
    await clock.run(10_000);

    expect(given).toEqual([]);
    expect(written).toEqual([[{ contextId: CALL, turns: [turn(0)], events: [], dtmf: '' }]]);
  });

  test('only the first of two ends counts', async () => {
    const { written, journal } = world();

    const first = journal.end(CALL, 'idle');
    const second = journal.end(CALL, 'error');
    await journal.flush();
    await Promise.all([first, second]);

    expect(written).toEqual([['idle']]);
  });

  test('calls that end within 50 ms are closed by one write, though others were due later', async () => {
    const { clock, written, journal } = world();
    const other = '22222222-2222-4333-8444-555555555555' as ContextId;
    journal.open(CALL).turn(turn(0));

    const ended = [journal.end(CALL, 'caller_hung_up'), journal.end(other, 'idle')];
    await clock.run(40);
    expect(written).toEqual([]);
    await clock.run(20);
    await Promise.all(ended);

    expect(written).toEqual([
      [{ contextId: CALL, turns: [turn(0)], events: [], dtmf: '' }],
      ['caller_hung_up', 'idle'],
    ]);
  });

  test('what happens while the end is being written is written too', async () => {
    const { written, journal, whileEnding } = world();
    const page = journal.open(CALL);
    whileEnding.push(() => page.turn(turn(0)));

    const ended = journal.end(CALL, 'idle');
    await journal.flush();
    expect(journal.pendingCalls).toBe(1);
    await journal.flush();
    await ended;

    expect(written).toEqual([['idle'], [{ contextId: CALL, turns: [turn(0)], events: [], dtmf: '' }], ['idle']]);
    expect(journal.pendingCalls).toBe(0);
  });

  test('a closed journal leaves no timer behind', async () => {
    const { clock, journal } = world();
    journal.open(CALL).turn(turn(0));

    await journal.close();
    await settle();

    expect(clock.pendingTimers).toBe(0);
  });
});
