import { expect } from 'vitest';
import type { ContractPromise } from './contract.ts';
import { FIRST, levels, listenTo, loud, type MediaHarness, play, scale, tone, until } from './media-harness.ts';

const QUIET_MS = 100;

/** What a media transport promises of what the caller does: speak, press keys, hang up, be hung up on. */
export const mediaCallerPromises: readonly ContractPromise<MediaHarness>[] = [
  {
    name: 'what the caller says arrives whole and in order, with the time it came',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      const notes = listenTo(harness);

      harness.speak(scale([1, 2, 3], 100, harness.transport.sampleRate));
      await until(harness, 'caller audio', () => loud(notes.audioSamples) >= 300 * ms);

      expect(levels(notes.audioSamples)).toEqual([
        [1, 100 * ms],
        [2, 100 * ms],
        [3, 100 * ms],
      ]);
      expect(notes.clockMs.every((at, index) => at >= (notes.clockMs[index - 1] ?? 0))).toBe(true);
    },
  },
  {
    name: 'what came before anyone listened is told first',
    check: async (harness) => {
      const ms = harness.transport.sampleRate / 1000;
      harness.speak(scale([1, 2], 100, harness.transport.sampleRate));
      await harness.pass(260);
      if (harness.transport.capabilities.hasDtmfIn) harness.press('7');
      await harness.pass(40);

      const notes = listenTo(harness);
      harness.speak(tone(3, 60, harness.transport.sampleRate));
      await until(harness, 'caller audio', () => loud(notes.audioSamples) >= 260 * ms);

      expect(levels(notes.audioSamples)).toEqual([
        [1, 100 * ms],
        [2, 100 * ms],
        [3, 60 * ms],
      ]);
      if (harness.transport.capabilities.hasDtmfIn) expect(notes.events.indexOf('digit 7')).toBe(1);
    },
  },
  {
    name: 'each key comes once, in order',
    check: async (harness) => {
      if (!harness.transport.capabilities.hasDtmfIn) return;
      const notes = listenTo(harness);

      for (const digit of ['1', '1', '#', '*', '0']) {
        harness.press(digit);
        await harness.pass(60);
      }
      await until(harness, 'all keys', () => notes.digits.length >= 5);

      expect(notes.digits).toEqual(['1', '1', '#', '*', '0']);
    },
  },
  {
    name: 'no verb calls back before it returns',
    check: async (harness) => {
      const notes = listenTo(harness);
      const { transport } = harness;

      transport.mark('empty');
      play(harness, tone(1, 3000, transport.sampleRate));
      transport.clear();
      transport.close();

      expect(notes.events).toEqual([]);
      await until(harness, 'closed', () => notes.ends.length > 0);
    },
  },
  {
    name: 'the peer hangs up: closed once, last, and every verb after it does nothing',
    check: async (harness) => {
      const { transport } = harness;
      const notes = listenTo(harness);
      harness.speak(tone(4, 100, transport.sampleRate));
      await until(harness, 'caller audio', () => notes.audioSamples.length > 0);

      harness.hangUp();
      await until(harness, 'closed', () => notes.ends.length > 0);
      useEveryVerb(harness);
      await harness.pass(QUIET_MS);

      expect(notes.ends).toEqual([{ type: 'peer_closed' }]);
      expect(notes.events.at(-1)).toBe('closed');
    },
  },
  {
    name: 'the connection breaks: closed once, as lost where it can be told from a hang-up',
    check: async (harness) => {
      const notes = listenTo(harness);
      play(harness, tone(1, 300, harness.transport.sampleRate));
      await harness.pass(60);

      harness.breakOff();
      await until(harness, 'closed', () => notes.ends.length > 0);
      await harness.pass(QUIET_MS);

      expect(notes.ends.map((end) => end.type)).toEqual([harness.breakIsToldAs ?? 'lost']);
    },
  },
  {
    name: 'we hang up: the peer sees it, closed once, and a second close changes nothing',
    check: async (harness) => {
      const notes = listenTo(harness);
      play(harness, tone(1, 300, harness.transport.sampleRate));
      await harness.pass(60);

      harness.transport.close();
      harness.transport.close();
      await until(harness, 'closed', () => notes.ends.length > 0);
      await until(harness, 'the peer saw it', () => harness.isHungUp());
      harness.transport.close();
      await harness.pass(QUIET_MS);

      expect(notes.ends).toEqual([{ type: 'closed_by_us' }]);
      expect(notes.events.at(-1)).toBe('closed');
    },
  },
  {
    name: 'a call that ended before anyone listened is told, after its audio',
    check: async (harness) => {
      harness.speak(tone(2, 60, harness.transport.sampleRate));
      await harness.pass(120);
      harness.hangUp();
      await harness.pass(QUIET_MS);

      const notes = listenTo(harness);
      await until(harness, 'closed', () => notes.ends.length > 0);

      expect(notes.events).toEqual(['audio', 'closed']);
      expect(notes.ends).toEqual([{ type: 'peer_closed' }]);
    },
  },
];

function useEveryVerb(harness: MediaHarness): void {
  const { transport } = harness;
  play(harness, tone(1, 20, transport.sampleRate));
  transport.endReply(FIRST);
  transport.pause();
  transport.resume(10);
  transport.clear();
  transport.mark('late');
  transport.position();
  transport.sendDigits('1');
  transport.close();
}
