import { expect, test } from 'vitest';
import { ReplyTimeline } from './reply-timeline.ts';

test('stages count from the end of the caller’s speech; those that did not occur are null', () => {
  const timeline = new ReplyTimeline(1_000);

  timeline.reach('endpointMs', 1_600);
  timeline.reach('firstSentenceMs', 1_900);
  timeline.reach('firstSentenceMs', 5_000);

  expect(timeline.waterfall()).toEqual({
    endpointMs: 600,
    sttFinalMs: null,
    firstTokenMs: null,
    firstSentenceMs: 900,
    firstTtsByteMs: null,
    firstFrameSentMs: null,
    firstFramePlayedMs: null,
  });
});

test('a stage is never earlier than one before it, whatever the clocks say', () => {
  const timeline = new ReplyTimeline(0);

  timeline.reach('firstTtsByteMs', 300);
  timeline.reach('firstFrameSentMs', 250);

  expect(timeline.waterfall().firstFrameSentMs).toBe(300);
});
