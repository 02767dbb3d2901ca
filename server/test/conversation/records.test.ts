import type { TurnWaterfall } from '@assistant/server/core/call/call-record';
import { describe, expect, test } from 'vitest';
import { CallWorld } from '../fakes/call-world.ts';
import { says, waits } from '../fakes/fake-brain.ts';

const LONG = 'one two three four five six seven eight nine ten.';

describe('the waterfall of an assistant’s turn', () => {
  test.each([
    ['a wire that we pace', {}],
    ['a carrier that buffers', { latencyMs: 60 }],
  ])(
    'on %s: every stage is there, none earlier than the one before, and the parts sum to the whole',
    async (_n, media) => {
      const call = new CallWorld({
        media,
        answer: (_input, turn) => (turn === 0 ? [] : [waits(200), says('Gladly '), waits(100), says('done. Bye.')]),
      });
      await call.pass(1_000);
      call.say('book a table');
      await call.pass(4_000);

      const waterfall = call.turns.at(-1)?.waterfall;

      const stages = stagesOf(waterfall);
      expect(stages.every((stage) => stage !== null)).toBe(true);
      expect(stages).toEqual(stages.toSorted((a, b) => a! - b!));
      const parts = stages.map((stage, index) => stage! - (stages[index - 1] ?? 0));
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(waterfall?.firstFramePlayedMs);
      // 600 ms of silence make the end of the turn; the recogniser takes 100, the brain 200 and 100 more for the sentence, the
      // voice 50. Time passes in steps of 10 ms.
      for (const [index, atMs] of [600, 700, 900, 1_000, 1_050].entries()) {
        expect(stages[index]).toBeGreaterThanOrEqual(atMs);
        expect(stages[index]).toBeLessThan(atMs + 30);
      }
    },
  );

  test('the first frame is said to be played when the caller began to hear it', async () => {
    const call = new CallWorld({ answer: () => [says('Hello.')] });

    await call.pass(1_000);

    const firstHeardMs = call.media.ear.findIndex((sample) => sample !== 0) / 8;
    const { firstFramePlayedMs } = call.turns[0]!.waterfall!;
    expect(Math.abs(firstFramePlayedMs! - firstHeardMs)).toBeLessThanOrEqual(20);
  });

  test('stages that did not occur are null; sentences of our own have none', async () => {
    const call = new CallWorld({ answer: () => [says('Hello.')], turn: { idleAskMs: 1_000 } });

    await call.pass(4_000);

    expect(call.turns[0]?.waterfall).toMatchObject({ endpointMs: null, sttFinalMs: null });
    expect(call.turns[0]?.waterfall?.firstFrameSentMs).not.toBeNull();
    expect(call.turns[1]).toMatchObject({ text: 'Are you still there?', waterfall: null });
  });
});

describe('the record', () => {
  test('turns are numbered as they began, also when one was interrupted', async () => {
    const call = new CallWorld({ answer: (_input, turn) => [says(turn === 0 ? LONG : 'Very well.')] });
    await call.pass(700);
    call.say('wait please');
    await call.pass(4_000);

    expect(call.turns.map(({ index, role, wasInterrupted }) => [index, role, wasInterrupted])).toEqual([
      [0, 'assistant', true],
      [1, 'caller', false],
      [2, 'assistant', false],
    ]);
    const times = call.turns.map((turn) => turn.startedAtMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (const turn of call.turns) expect(turn.endedAtMs).toBeGreaterThanOrEqual(turn.startedAtMs);
  });

  test('audio that a peer standing still never played is not heard', async () => {
    const call = new CallWorld({ answer: () => [says(LONG)] });
    await call.pass(1_000);

    call.media.unhear(0, 8 * 280);
    await call.pass(2_000);

    expect(call.turns[0]?.heardText).toBe('three four five six seven eight nine ten.');
    expect(call.eventTypes).toContain('playout_stalled');
  });

  test('when the wire corrects a clear before the caller was understood, the correction counts', async () => {
    const call = new CallWorld({ answer: (_input, turn) => [says(turn === 0 ? LONG : 'Very well.')] });
    await call.pass(900);
    call.say('wait please');
    await call.pass(500);

    call.media.correctClear(8 * 320);
    await call.pass(4_000);

    expect(call.brain.heard[0]).toEqual({ text: 'one two', wasInterrupted: true });
  });

  test('keys are noted one by one, also those that mean nothing', async () => {
    const call = new CallWorld({ answer: () => [says('Hello.')] });
    await call.pass(500);

    call.media.press('1*#');
    await call.pass(100);

    expect(call.digits).toBe('1*#');
  });
});

function stagesOf(waterfall: TurnWaterfall | null | undefined): (number | null)[] {
  if (!waterfall) return [];
  const { endpointMs, sttFinalMs, firstTokenMs, firstSentenceMs, firstTtsByteMs } = waterfall;
  const { firstFrameSentMs, firstFramePlayedMs } = waterfall;
  return [endpointMs, sttFinalMs, firstTokenMs, firstSentenceMs, firstTtsByteMs, firstFrameSentMs, firstFramePlayedMs];
}

test('what the wire was like is told in the record, before the end of the call', async () => {
  const call = new CallWorld({ answer: () => [says('Hello.')] });
  await call.pass(1_000);

  call.media.hangUp({ jitterMs: 3.5, packetsLost: 2 });
  await call.pass(100);

  const [figures, ended] = call.events.slice(-2);
  expect(figures).toMatchObject({ type: 'media_figures', data: { jitterMs: 3.5, packetsLost: 2 } });
  expect(ended?.type).toBe('ended');
});
