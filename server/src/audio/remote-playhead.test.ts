import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RemotePlayhead } from './remote-playhead.ts';

/** 8 samples a millisecond. */
const RATE = 8_000;

function playhead() {
  const time = { ms: 1_000 };
  return { time, head: new RemotePlayhead(RATE, { nowMs: () => time.ms }) };
}

/** 400 ms went out in four parts with a mark after each; the first was echoed. */
function underWay() {
  const { time, head } = playhead();
  for (const id of ['a', 'b', 'c', 'd']) {
    head.send(800);
    head.mark(id);
  }
  time.ms += 150;
  head.echoed('a');
  return { time, head };
}

describe('a remote playhead', () => {
  test('before the first echo nothing counts as heard, however long it takes', () => {
    const { time, head } = playhead();
    head.send(1_600);
    head.mark('a');
    time.ms += 5_000;

    expect(head.heard()).toBe(0);
    expect(head.ahead).toBe(1_600);
  });

  test('time runs on from the newest echo', () => {
    const { time, head } = underWay();
    expect(head.heard()).toBe(800);

    time.ms += 60;
    expect(head.heard()).toBe(800 + 480);
    expect(head.ahead).toBe(3_200 - 1_280);
  });

  test('it never passes a mark that is still out', () => {
    const { time, head } = underWay();
    time.ms += 250;

    expect(head.heard()).toBe(1_600);
    head.echoed('c');
    expect(head.heard()).toBe(2_400);
  });

  test('it never passes what was sent', () => {
    const { time, head } = underWay();
    head.echoed('d');
    time.ms += 10_000;

    expect(head.heard()).toBe(3_200);
    expect(head.ahead).toBe(0);
  });

  test('an echo tells all marks before it too, in order, and each once', () => {
    const { head } = underWay();

    expect(head.echoed('c')).toEqual(['b', 'c']);
    expect(head.echoed('b')).toEqual([]);
    expect(head.echoed('unknown')).toEqual([]);
    expect(head.pendingMarks).toBe(1);
  });

  test('the first echo of an empty buffer tells how far away the other side is, and the longest of the last four holds', () => {
    const { time, head } = playhead();
    const measured: (number | null)[] = [head.roundTripMs];
    for (const [id, roundTripMs] of Object.entries({ a: 120, b: 300, c: 80, d: 90, e: 70, f: 60 })) {
      head.send(800);
      head.mark(id);
      time.ms += 100 + roundTripMs;
      head.echoed(id);
      measured.push(head.roundTripMs);
    }

    expect(measured).toEqual([null, 120, 300, 300, 300, 300, 90]);
  });

  test('what would arrive after the buffer ran dry is not counted by the clock before it is echoed', () => {
    // Seen over 150 ms each way: the caller heard a gap, and the position ran up to 116 ms ahead of the ear.
    const { time, head } = playhead();
    head.send(800);
    head.mark('a');
    head.send(800);
    time.ms += 100 + 120;
    head.echoed('a');
    // 100 ms are left by our account, and on the other side none by the time this is there.
    head.send(800);
    time.ms += 150;
    const late = head.heard();
    head.mark('b');
    head.echoed('b');

    expect(late).toBe(1_600);
    expect(head.heard()).toBe(2_400);
  });

  test('one round trip that took long by a hiccup makes nothing doubtful', () => {
    const { time, head } = playhead();
    for (const [id, roundTripMs] of Object.entries({ a: 20, b: 900 })) {
      head.send(800);
      head.mark(id);
      time.ms += 100 + roundTripMs;
      head.echoed(id);
    }
    head.send(800);
    head.mark('c');
    head.send(1_600);
    time.ms += 120;
    head.echoed('c');
    head.send(800);
    time.ms += 250;

    expect(head.heard()).toBe(2_400 + 2_000);
  });

  test('audio sent after the buffer ran dry counts from its own echo, not from the pause before', () => {
    const { time, head } = underWay();
    head.echoed('d');
    time.ms += 3_000;
    head.send(1_600);
    head.mark('e');
    time.ms += 100;

    expect(head.heard()).toBe(3_200);
    head.echoed('e');
    expect(head.heard()).toBe(4_800);
  });

  test('clear: heard is the newest echo and the time since, all else is dropped', () => {
    const { time, head } = underWay();
    time.ms += 50;

    expect(head.clear(6_000)).toEqual({ heardSamples: 1_200, droppedSamples: 4_800 });
    expect(head.heard()).toBe(6_000);
    expect(head.sent).toBe(6_000);
    expect(head.ahead).toBe(0);
  });

  test('a mark that comes back after the clear counts as cleared', () => {
    const { time, head } = underWay();
    time.ms += 50;
    head.clear(3_200);

    expect(head.echoed('b')).toEqual([]);
    expect(head.echoed('d')).toEqual([]);
    head.send(800);
    time.ms += 500;
    expect(head.heard()).toBe(3_200);
  });

  test('the next reply after a clear is followed by its own marks', () => {
    const { time, head } = underWay();
    head.clear(3_200);
    head.send(800);
    head.mark('e');
    head.send(800);
    time.ms += 130;
    head.echoed('e');
    time.ms += 20;

    expect(head.heard()).toBe(3_200 + 800 + 160);
  });

  test('while the other side is paused time stands still', () => {
    const { time, head } = underWay();
    time.ms += 30;
    head.pause();
    time.ms += 400;
    expect(head.heard()).toBe(800 + 240);

    head.resume();
    time.ms += 20;
    expect(head.heard()).toBe(800 + 240 + 160);
  });

  test('a flush keeps the audio: sent again from a little before, it is counted once', () => {
    const { time, head } = underWay();
    time.ms += 50;
    expect(head.flush(900)).toBe(1_200);

    head.send(1_600);
    head.mark('again');
    expect(head.sent).toBe(3_200);
    expect(head.ahead).toBe(1_600);
    expect(head.heard()).toBe(1_200);

    time.ms += 300;
    head.echoed('again');
    expect(head.heard()).toBe(2_500);
    expect(head.ahead).toBe(0);
  });
});

describe('whatever happens', () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('send' as const), samples: fc.integer({ min: 1, max: 1_600 }) }),
    fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 400 }) }),
    fc.record({ type: fc.constant('echo' as const), nth: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ type: fc.constant('mark' as const) }),
    fc.record({ type: fc.constantFrom('pause' as const, 'resume' as const, 'clear' as const) }),
    fc.record({ type: fc.constant('flush' as const), back: fc.integer({ min: 0, max: 3_200 }) }),
  );

  test('heard never decreases and never passes sent, and a clear accounts for every sample', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { time, head } = playhead();
        let marks = 0;
        let heard = 0;
        let sent = 0;
        for (const one of steps) {
          if (one.type === 'wait') time.ms += one.ms;
          else if (one.type === 'mark') head.mark(`m${marks++}`);
          else apply(head, one);
          expect(head.heard()).toBeGreaterThanOrEqual(heard);
          expect(head.heard()).toBeLessThanOrEqual(head.sent);
          expect(head.sent).toBeGreaterThanOrEqual(sent);
          expect(head.ahead).toBeGreaterThanOrEqual(0);
          heard = head.heard();
          sent = head.sent;
        }
      }),
    );
  });

  type Verb =
    | { readonly type: 'send'; readonly samples: number }
    | { readonly type: 'echo'; readonly nth: number }
    | { readonly type: 'flush'; readonly back: number }
    | { readonly type: 'pause' | 'resume' | 'clear' };

  function apply(head: RemotePlayhead, verb: Verb): void {
    const { sent } = head;
    const heard = head.heard();
    switch (verb.type) {
      case 'send':
        head.send(verb.samples);
        return;
      case 'echo':
        head.echoed(`m${verb.nth}`);
        return;
      case 'flush':
        expect(head.flush(heard - verb.back)).toBe(heard);
        return;
      case 'clear':
        expect(head.clear(sent + 100)).toEqual({ heardSamples: heard, droppedSamples: sent + 100 - heard });
        return;
      case 'pause':
        head.pause();
        return;
      case 'resume':
        head.resume();
        return;
    }
  }
});
