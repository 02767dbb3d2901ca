import { describe, expect, test } from 'vitest';
import { CarrierPlayout, type PlayoutRules } from './carrier-playout.ts';

const RULES: PlayoutRules = { sampleRate: 8_000, mostMessages: null, clearReturnsMarks: false };

function playoutOf(rules: Partial<PlayoutRules> = {}) {
  const marks: string[] = [];
  const frames: [atMs: number, samples: number][] = [];
  const playout = new CarrierPlayout({ ...RULES, ...rules }, 1_000, {
    playing: (samples, atMs) => void frames.push([atMs, samples.length]),
    mark: (name, isCleared) => void marks.push(isCleared ? `${name} cleared` : name),
  });
  return { playout, marks, frames };
}

const loud = (samples: number, level = 5) => new Int16Array(samples).fill(level);

describe("a carrier's playout", () => {
  test('plays a frame each 20 ms of its own clock, whenever it is looked at, and records when each sounded', () => {
    const { playout, frames } = playoutOf();

    playout.push(loud(400), 1_003);
    playout.advanceTo(1_200);

    expect(frames).toEqual([
      [1_020, 160],
      [1_040, 160],
      [1_060, 80],
    ]);
    expect(playout.recording.length).toBe(400);
    expect(playout.frames[1]).toEqual({ atMs: 1_040, from: 160, to: 320 });
  });

  test('tells the position between two ticks, and never beyond the frame that sounds', () => {
    const { playout } = playoutOf();
    playout.push(loud(320), 1_000);

    expect([1_019, 1_025, 1_040, 1_059.9, 1_100].map((atMs) => playout.positionAt(atMs))).toEqual([
      0, 40, 160, 319, 320,
    ]);
  });

  test('a mark comes back when the frame before it has sounded, not when it begins', () => {
    const { playout, marks } = playoutOf();
    playout.push(loud(160), 1_000);
    playout.mark('behind a frame', 1_000);
    playout.push(loud(80), 1_000);
    playout.mark('in a frame', 1_000);

    const told = [1_039, 1_040, 1_059, 1_060].map((atMs) => {
      playout.advanceTo(atMs);
      return marks.length;
    });

    expect(told).toEqual([0, 1, 1, 2]);
    expect(marks).toEqual(['behind a frame', 'in a frame']);
  });

  test('a clear drops all but the frame that sounds; its mark still comes, later ones do not', () => {
    const { playout, marks } = playoutOf();
    playout.push(loud(160), 1_000);
    playout.mark('sounding', 1_000);
    playout.push(loud(160), 1_000);
    playout.mark('dropped', 1_000);

    playout.clear(1_030);
    playout.push(loud(160, 9), 1_031);
    playout.advanceTo(1_100);

    expect(marks).toEqual(['sounding']);
    expect([playout.recording.length, playout.recording[160]]).toEqual([320, 9]);
  });

  test('where a clear gives marks back they come at once, told apart from those that were played', () => {
    const { playout, marks } = playoutOf({ clearReturnsMarks: true });
    playout.push(loud(1_600), 1_000);
    playout.mark('a', 1_000);

    playout.clear(1_050);

    expect(marks).toEqual(['a cleared']);
  });

  test('audio beyond the messages it buffers is refused', () => {
    const { playout } = playoutOf({ mostMessages: 2 });

    const troubles = [1, 2, 3].map(() => playout.push(loud(160), 1_000));

    expect(troubles).toEqual([null, null, 'audio behind 2 waiting messages']);
    expect(playout.push(loud(160), 1_020)).toBeNull();
  });

  test('a buffer that ran dry within a reply is counted', () => {
    const { playout } = playoutOf();
    playout.push(loud(160), 1_000);

    playout.push(loud(160), 1_050);
    playout.advanceTo(5_000);
    playout.push(loud(160), 5_000);
    playout.advanceTo(6_000);

    expect(playout.underruns).toBe(1);
  });
});
