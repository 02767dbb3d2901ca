import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReplyId } from '../core/ids.ts';
import { PlayoutLedger } from './playout-ledger.ts';

const GREETING = 1 as ReplyId;
const ANSWER = 2 as ReplyId;

describe('a playout ledger', () => {
  test('follows a reply from the queue to the ear', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 480);
    expect(ledger.position()).toEqual({ queued: 480, sent: 0, heard: 0 });

    ledger.advance({ sent: 320, heard: 160 });
    expect(ledger.position()).toEqual({ queued: 480, sent: 320, heard: 160 });
    expect(ledger.heardOf(GREETING)).toBe(160);
    expect(ledger.isFullyHeard(GREETING)).toBe(false);

    ledger.advance({ sent: 480, heard: 480 });
    expect(ledger.isFullyHeard(GREETING)).toBe(true);
  });

  test('keeps the account of each reply apart', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 160);
    ledger.accept(ANSWER, 320);
    ledger.advance({ sent: 480, heard: 240 });

    expect(ledger.heardOf(GREETING)).toBe(160);
    expect(ledger.heardOf(ANSWER)).toBe(80);
    expect(ledger.acceptedOf(ANSWER)).toBe(320);
  });

  test('a reply nobody queued was not heard', () => {
    const ledger = new PlayoutLedger();

    expect(ledger.heardOf(ANSWER)).toBe(0);
    expect(ledger.isFullyHeard(ANSWER)).toBe(false);
  });

  test('after a clear the dropped rest never counts, whatever the transport tells later', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 1_000);
    ledger.advance({ sent: 600, heard: 400 });

    expect(ledger.clear(450)).toEqual({ heardSamples: 450, droppedSamples: 550 });
    ledger.advance({ sent: 1_000, heard: 1_000 });

    expect(ledger.position()).toEqual({ queued: 1_000, sent: 1_000, heard: 1_000 });
    expect(ledger.heardOf(GREETING)).toBe(450);
    expect(ledger.isFullyHeard(GREETING)).toBe(false);
  });

  test('the next reply after a clear is counted from its own first sample', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 1_000);
    ledger.clear(0);
    ledger.accept(ANSWER, 200);

    expect(ledger.heardOf(ANSWER)).toBe(0);
    ledger.advance({ sent: 1_200, heard: 1_100 });
    expect(ledger.heardOf(ANSWER)).toBe(100);
    expect(ledger.heardOf(GREETING)).toBe(0);
  });

  test("the transport's final word corrects a clear, in both directions", () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 1_000);
    ledger.clear(500);

    ledger.correctClear(340);
    expect(ledger.heardOf(GREETING)).toBe(340);
    ledger.correctClear(660);
    expect(ledger.heardOf(GREETING)).toBe(660);
    expect(ledger.position()).toEqual({ queued: 1_000, sent: 1_000, heard: 1_000 });
  });

  test('a correction that says all was heard after all makes the reply complete', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 1_000);
    ledger.clear(990);
    ledger.correctClear(1_000);

    expect(ledger.isFullyHeard(GREETING)).toBe(true);
  });

  test('audio sent while the peer stood still was not heard, though later audio was', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 1_000);
    ledger.advance({ sent: 1_000, heard: 1_000 });
    ledger.unhear(200, 500);
    ledger.unhear(400, 600);

    expect(ledger.heardOf(GREETING)).toBe(600);
    expect(ledger.wasHeard(GREETING, 0, 200)).toBe(true);
    expect(ledger.wasHeard(GREETING, 100, 201)).toBe(false);
    expect(ledger.wasHeard(GREETING, 600, 1_000)).toBe(true);
  });

  test('a word of a reply in two pieces is found by its place in the reply', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 100);
    ledger.accept(ANSWER, 50);
    ledger.accept(GREETING, 100);
    ledger.advance({ sent: 250, heard: 200 });

    expect(ledger.wasHeard(GREETING, 90, 150)).toBe(true);
    expect(ledger.wasHeard(GREETING, 90, 151)).toBe(false);
    expect(ledger.wasHeard(GREETING, 0, 201)).toBe(false);
  });

  test('impossible positions change nothing', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 100);
    ledger.advance({ sent: 500, heard: 900 });
    expect(ledger.position()).toEqual({ queued: 100, sent: 100, heard: 100 });

    ledger.accept(GREETING, 100);
    ledger.advance({ sent: 120, heard: 200 });
    expect(ledger.position()).toEqual({ queued: 200, sent: 120, heard: 120 });
    ledger.advance({ sent: 10, heard: 0 });
    ledger.advance({ sent: Number.NaN, heard: Number.NaN });
    ledger.accept(GREETING, 0);
    ledger.accept(GREETING, -5);
    expect(ledger.position()).toEqual({ queued: 200, sent: 120, heard: 120 });
  });

  test('a clear beyond the queue drops nothing, one before the heard position is believed no further back', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 300);
    ledger.advance({ sent: 300, heard: 200 });

    expect(ledger.clear(100)).toEqual({ heardSamples: 200, droppedSamples: 100 });
    ledger.accept(ANSWER, 100);
    expect(ledger.clear(9_999)).toEqual({ heardSamples: 400, droppedSamples: 0 });
    expect(ledger.isFullyHeard(ANSWER)).toBe(true);
  });

  test('a forgotten reply leaves the others alone', () => {
    const ledger = new PlayoutLedger();
    ledger.accept(GREETING, 100);
    ledger.accept(ANSWER, 100);
    ledger.advance({ sent: 200, heard: 200 });
    ledger.forget(GREETING);

    expect(ledger.acceptedOf(GREETING)).toBe(0);
    expect(ledger.isFullyHeard(ANSWER)).toBe(true);
  });
});

type Step =
  | { readonly type: 'accept'; readonly reply: number; readonly samples: number }
  | { readonly type: 'advance'; readonly sent: number; readonly heard: number }
  | { readonly type: 'clear'; readonly at: number }
  | { readonly type: 'correct'; readonly at: number }
  | { readonly type: 'unhear'; readonly from: number; readonly to: number };

const REPLIES = [1, 2, 3, 4] as const;
const offset = fc.integer({ min: -50, max: 3_000 });
const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({
      type: fc.constant('accept'),
      reply: fc.constantFrom(...REPLIES),
      samples: fc.integer({ min: 0, max: 400 }),
    }),
    fc.record({ type: fc.constant('advance'), sent: offset, heard: offset }),
    fc.record({ type: fc.constant('clear'), at: offset }),
    fc.record({ type: fc.constant('correct'), at: offset }),
    fc.record({ type: fc.constant('unhear'), from: offset, to: offset }),
  ),
  { maxLength: 40 },
);

/** The same account kept sample by sample, too slow for use and too simple to be wrong. */
class PlainLedger {
  readonly #samples: { readonly reply: number; isDropped: boolean; wasUnheard: boolean }[] = [];
  #sent = 0;
  #heard = 0;
  #clearEnd = -1;
  #lastClear: number[] = [];

  take(step: Step): void {
    const samples = this.#samples;
    switch (step.type) {
      case 'accept':
        for (let n = 0; n < step.samples; n++) samples.push({ reply: step.reply, isDropped: false, wasUnheard: false });
        break;
      case 'advance':
        this.#sent = Math.max(this.#sent, Math.min(step.sent, samples.length));
        this.#heard = Math.max(this.#heard, Math.min(step.heard, this.#sent));
        break;
      case 'clear':
        this.#lastClear = range(Math.max(step.at, this.#heard), samples.length);
        for (const at of this.#lastClear) samples[at]!.isDropped = true;
        this.#clearEnd = samples.length;
        this.#sent = samples.length;
        this.#heard = samples.length;
        break;
      case 'correct':
        if (this.#clearEnd < 0) break;
        // What an older clear dropped stays dropped.
        for (const at of this.#lastClear) samples[at]!.isDropped = false;
        this.#lastClear = range(step.at, this.#clearEnd).filter((at) => !samples[at]!.isDropped);
        for (const at of this.#lastClear) samples[at]!.isDropped = true;
        break;
      case 'unhear':
        for (const at of range(step.from, Math.min(step.to, samples.length))) samples[at]!.wasUnheard = true;
        break;
    }
  }

  heardOf(reply: number): number {
    return this.#samples.filter(
      (sample, at) => sample.reply === reply && at < this.#heard && !sample.isDropped && !sample.wasUnheard,
    ).length;
  }
}

function range(from: number, to: number): number[] {
  const start = Math.max(0, from);
  return Array.from({ length: Math.max(0, to - start) }, (_, index) => start + index);
}

function apply(ledger: PlayoutLedger, step: Step): void {
  switch (step.type) {
    case 'accept':
      ledger.accept(step.reply as ReplyId, step.samples);
      return;
    case 'advance':
      ledger.advance(step);
      return;
    case 'clear':
      ledger.clear(step.at);
      return;
    case 'correct':
      ledger.correctClear(step.at);
      return;
    case 'unhear':
      ledger.unhear(step.from, step.to);
      return;
  }
}

describe('whatever happens', () => {
  test('heard <= sent <= queued and none of them ever decreases', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const ledger = new PlayoutLedger();
        let before = ledger.position();
        for (const step of all) {
          apply(ledger, step);
          const now = ledger.position();
          expect(now.heard).toBeLessThanOrEqual(now.sent);
          expect(now.sent).toBeLessThanOrEqual(now.queued);
          expect(now.queued).toBeGreaterThanOrEqual(before.queued);
          expect(now.sent).toBeGreaterThanOrEqual(before.sent);
          expect(now.heard).toBeGreaterThanOrEqual(before.heard);
          before = now;
        }
      }),
    );
  });

  test('each reply has the account that counting sample by sample gives', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const ledger = new PlayoutLedger();
        const plain = new PlainLedger();
        for (const step of all) {
          apply(ledger, step);
          plain.take(step);
          for (const reply of REPLIES) expect(ledger.heardOf(reply as ReplyId)).toBe(plain.heardOf(reply));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('what all replies heard together is never more than the heard position', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const ledger = new PlayoutLedger();
        for (const step of all) apply(ledger, step);
        const sum = REPLIES.reduce((total, reply) => total + ledger.heardOf(reply as ReplyId), 0);
        expect(sum).toBeLessThanOrEqual(ledger.position().heard);
      }),
    );
  });

  test('after a clear, no position the transport tells makes the dropped range count', () => {
    fc.assert(
      fc.property(steps, offset, fc.array(fc.tuple(offset, offset)), (all, at, later) => {
        const ledger = new PlayoutLedger();
        for (const step of all) apply(ledger, step);
        ledger.clear(at);
        const heard = REPLIES.map((reply) => ledger.heardOf(reply as ReplyId));
        for (const [sent, told] of later) ledger.advance({ sent, heard: told });
        expect(REPLIES.map((reply) => ledger.heardOf(reply as ReplyId))).toEqual(heard);
      }),
    );
  });
});
