import type { PlayoutPosition } from '@assistant/server/core/ports/media-transport';
import { expect } from 'vitest';
import type { ContractPromise } from './contract.ts';
import {
  FIRST,
  isInOrder,
  levels,
  listenTo,
  loud,
  type MediaHarness,
  play,
  SECOND,
  scale,
  tone,
  until,
} from './media-harness.ts';

const QUIET_MS = 100;

/** What a media transport promises of the audio we play, whoever owns the playout clock. */
export const mediaPlayoutPromises: readonly ContractPromise<MediaHarness>[] = [
  {
    name: 'a reply is heard whole, once and in order, its short last frame included',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      listenTo(harness);

      play(harness, scale([1, 2, 3], 50, harness.transport.sampleRate));
      play(harness, tone(4, 7, harness.transport.sampleRate));
      harness.transport.endReply(FIRST);
      await until(harness, 'all heard', () => loud(harness.heard()) >= 157 * ms);
      await harness.pass(QUIET_MS);

      expect(levels(harness.heard())).toEqual([
        [1, 50 * ms],
        [2, 50 * ms],
        [3, 50 * ms],
        [4, 7 * ms],
      ]);
    },
  },
  {
    name: 'two replies follow each other without a gap or a mixed-up sample',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      listenTo(harness);

      play(harness, tone(1, 30, harness.transport.sampleRate));
      harness.transport.endReply(FIRST);
      play(harness, tone(2, 30, harness.transport.sampleRate), SECOND);
      harness.transport.endReply(SECOND);
      await until(harness, 'both heard', () => loud(harness.heard()) >= 60 * ms);

      expect(levels(harness.heard())).toEqual([
        [1, 30 * ms],
        [2, 30 * ms],
      ]);
    },
  },
  {
    name: 'positions rise only, heard <= sent <= queued, and end where the reply ends',
    check: async (harness) => {
      listenTo(harness);
      const positions: PlayoutPosition[] = [harness.transport.position()];
      const note = () => void positions.push(harness.transport.position());

      play(harness, tone(1, 300, harness.transport.sampleRate));
      harness.transport.endReply(FIRST);
      await until(harness, 'heard', () => {
        note();
        return harness.transport.position().heard === 0.3 * harness.transport.sampleRate;
      });

      const all = 0.3 * harness.transport.sampleRate;
      expect(harness.transport.position()).toEqual({ queued: all, sent: all, heard: all });
      expect(isInOrder(positions)).toBe(true);
    },
  },
  {
    name: 'what counts as heard was heard',
    check: async (harness) => {
      listenTo(harness);
      play(harness, tone(1, 400, harness.transport.sampleRate));
      harness.transport.endReply(FIRST);

      const claims: { claimed: number; heard: () => number }[] = [];
      for (let step = 0; step < 10; step++) {
        await harness.pass(33);
        const claimed = harness.transport.position().heard;
        if (harness.isExact) expect(claimed).toBeLessThanOrEqual(loud(harness.heard()));
        claims.push({ claimed, heard: () => loud(harness.heard()) });
      }

      await until(harness, 'all heard', () => claims.every(({ claimed, heard }) => heard() >= claimed));
      expect(claims.at(-1)?.claimed).toBeGreaterThan(0);
    },
  },
  {
    name: 'pause: silence within the time it may take, the queue is kept, and resume plays the rest',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      listenTo(harness);
      play(harness, scale([1, 2, 3, 4], 100, harness.transport.sampleRate));
      harness.transport.endReply(FIRST);
      await until(harness, 'begun', () => loud(harness.heard()) >= 60 * ms);

      const before = loud(harness.heard());
      harness.transport.pause();
      await harness.pass(harness.stopWithinMs + QUIET_MS);
      const paused = loud(harness.heard());
      await harness.pass(QUIET_MS);

      expect(loud(harness.heard())).toBe(paused);
      if (harness.isExact) expect(paused - before).toBeLessThanOrEqual(harness.stopWithinMs * ms);
      expect(harness.transport.position().queued).toBe(400 * ms);
      harness.transport.resume();
      await until(harness, 'the rest', () => harness.transport.position().heard === 400 * ms);
      await until(harness, 'the rest heard', () => loud(harness.heard()) >= 400 * ms);
      if (harness.transport.capabilities.clock === 'local') expect(loud(harness.heard())).toBe(400 * ms);
    },
  },
  {
    name: 'audio played while paused waits for resume',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      listenTo(harness);

      harness.transport.pause();
      play(harness, tone(5, 60, harness.transport.sampleRate));
      harness.transport.endReply(FIRST);
      await harness.pass(QUIET_MS);

      expect(loud(harness.heard())).toBe(0);
      expect(harness.transport.position()).toEqual({ queued: 60 * ms, sent: 0, heard: 0 });
      harness.transport.resume();
      await until(harness, 'heard', () => loud(harness.heard()) >= 60 * ms);
      expect(levels(harness.heard())).toEqual([[5, 60 * ms]]);
    },
  },
  {
    name: 'resume with a rewind plays the last samples once more, and no position moves back',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      listenTo(harness);
      play(harness, tone(1, 200, harness.transport.sampleRate));
      play(harness, tone(2, 200, harness.transport.sampleRate));
      harness.transport.endReply(FIRST);
      await until(harness, 'half heard', () => harness.transport.position().heard >= 240 * ms);

      harness.transport.pause();
      await harness.pass(harness.stopWithinMs + QUIET_MS);
      const paused = harness.transport.position();
      const before = loud(harness.heard());
      harness.transport.resume(120 * ms);
      await harness.pass(1);
      const after = harness.transport.position();
      await until(harness, 'all heard', () => harness.transport.position().heard === 400 * ms);
      await until(harness, 'all at the peer', () => loud(harness.heard()) >= before + 520 * ms - paused.heard);

      expect(isInOrder([paused, after])).toBe(true);
      expect(loud(harness.heard()) - before).toBe(400 * ms - paused.heard + 120 * ms);
    },
  },
  {
    name: 'clear: nothing of the old audio follows, new audio does, and the sums are right',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      const notes = listenTo(harness);
      play(harness, tone(1, 600, harness.transport.sampleRate));
      await until(harness, 'begun', () => harness.transport.position().heard >= 100 * ms);

      const before = loud(harness.heard());
      const cleared = harness.transport.clear();
      const after = harness.transport.position();
      play(harness, tone(6, 100, harness.transport.sampleRate), SECOND);
      harness.transport.endReply(SECOND);
      await until(harness, 'new audio', () => loud(harness.heard().filter((sample) => sample > 11_000)) >= 100 * ms);
      await harness.pass(QUIET_MS);

      const [old, fresh] = levels(harness.heard());
      const settled = notes.clears.at(-1) ?? cleared;
      expect(cleared.heardSamples + cleared.droppedSamples).toBe(600 * ms);
      expect(after).toEqual({ queued: 600 * ms, sent: 600 * ms, heard: 600 * ms });
      expect(levels(harness.heard())).toHaveLength(2);
      expect(fresh).toEqual([6, 100 * ms]);
      expect(settled.heardSamples).toBeLessThanOrEqual(old?.[1] ?? 0);
      if (harness.isExact) expect((old?.[1] ?? 0) - before).toBeLessThanOrEqual(harness.stopWithinMs * ms);
    },
  },
  {
    name: 'clear ends a pause',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      listenTo(harness);
      play(harness, tone(1, 200, harness.transport.sampleRate));
      harness.transport.pause();
      await harness.pass(QUIET_MS);

      harness.transport.clear();
      play(harness, tone(2, 40, harness.transport.sampleRate), SECOND);
      harness.transport.endReply(SECOND);
      await until(harness, 'new audio', () => loud(harness.heard()) >= 40 * ms);

      expect(levels(harness.heard())).toEqual([[2, 40 * ms]]);
    },
  },
  {
    name: 'a mark comes once all audio before it was heard, in order, also when nothing is queued',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      const notes = listenTo(harness);

      harness.transport.mark('start');
      play(harness, tone(1, 60, harness.transport.sampleRate));
      harness.transport.mark('middle');
      play(harness, tone(2, 60, harness.transport.sampleRate));
      harness.transport.endReply(FIRST);
      harness.transport.mark('end');
      const atOnce = [...notes.marks];
      await until(harness, 'the first mark', () => notes.marks.length >= 1);
      if (harness.isExact) expect(notes.marks).toEqual(['start']);
      await until(harness, 'the last mark', () => notes.marks.includes('end'));
      const heard = harness.transport.position().heard;
      harness.transport.mark('later');
      await until(harness, 'the later mark', () => notes.marks.includes('later'));

      expect(atOnce).toEqual([]);
      expect(heard).toBe(120 * ms);
      expect(notes.marks).toEqual(['start', 'middle', 'end', 'later']);
    },
  },
  {
    name: 'marks of cleared audio never come; one set after the clear does',
    check: async (harness) => {
      const notes = listenTo(harness);
      // In real time a slow machine might play all of it before the clear.
      if (!harness.isExact) harness.transport.pause();
      play(harness, tone(1, 300, harness.transport.sampleRate));
      harness.transport.mark('cleared');
      await harness.pass(60);

      harness.transport.clear();
      harness.transport.mark('after');
      await until(harness, 'the mark after', () => notes.marks.includes('after'));
      await harness.pass(300);

      expect(notes.marks).toEqual(['after']);
    },
  },
  {
    name: 'a full queue takes a part, says when there is room, and loses nothing',
    check: async (harness) => {
      const { transport } = harness;
      const ms = transport.sampleRate / 1000;
      const notes = listenTo(harness);
      const offered = tone(3, 3000, transport.sampleRate);

      const accepted = play(harness, offered);
      const writablesAtOnce = notes.writables;
      await until(harness, 'room', () => notes.writables > 0);
      const more = play(harness, offered.subarray(accepted, accepted + 20 * ms));
      transport.endReply(FIRST);
      await until(harness, 'all heard', () => loud(harness.heard()) >= accepted + more);

      expect(accepted).toBeLessThan(3000 * ms);
      expect(accepted).toBeGreaterThanOrEqual(1000 * ms);
      expect(writablesAtOnce).toBe(0);
      expect(more).toBe(20 * ms);
      expect(loud(harness.heard())).toBe(accepted + more);
    },
  },
];
