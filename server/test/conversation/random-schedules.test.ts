import type { TransferOutcome } from '@assistant/server/core/ports/call-transfer';
import { describe, expect, test } from 'vitest';
import { CallWorld } from '../fakes/call-world.ts';
import type { BrainDeed } from '../fakes/fake-brain.ts';
import { says, waits } from '../fakes/fake-brain.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const SCHEDULES = 1_000;
const FIRST_SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const STEP_MS = 20;
const STEPS = 400;

/** Every word of the brain's is said once in a call and carries the number of its reply: r3w2. */
function brainOf(random: SeededRandom): (input: unknown, turn: number) => readonly BrainDeed[] {
  return (_input, turn) => {
    const words = Array.from({ length: 1 + random.below(30) }, (_word, index) => `r${turn}w${index}`);
    const deeds: BrainDeed[] = [];
    while (words.length > 0) {
      if (random.below(3) === 0) deeds.push(waits(random.below(600)));
      deeds.push(says(`${words.splice(0, 1 + random.below(5)).join(' ')}. `));
    }
    if (random.below(4) === 0) deeds.push({ type: 'expect', phrases: ['yes'], maxDigits: random.below(3) });
    if (random.below(25) === 0) deeds.push({ type: 'fail' });
    if (random.below(40) === 0) deeds.push({ type: 'hang' });
    if (random.below(12) === 0) deeds.push({ type: 'hang_up' });
    if (random.below(12) === 0) deeds.push({ type: 'transfer', to: '+14155552671' });
    return deeds;
  };
}

function worldOf(random: SeededRandom): CallWorld {
  const trouble = () => (random.below(8) === 0 ? (['fails', 'silent'] as const)[random.below(2)]! : null);
  const world: CallWorld = new CallWorld({
    answer: brainOf(random),
    transfer: (_wish, signal) => transferOf(world, random, signal),
    media: random.below(3) === 0 ? { latencyMs: 20 * (1 + random.below(5)) } : {},
    speechToText:
      random.below(6) === 0
        ? null
        : {
            hasInterim: random.below(2) === 0,
            finalAfterMs: random.below(900),
            troubles: Array.from({ length: 20 }, trouble),
          },
    textToSpeech: {
      firstChunkAfterMs: random.below(300),
      nextChunkAfterMs: random.below(60),
      tellsWords: random.below(2) === 0,
      failsOn: () => random.below(60) === 0,
    },
    turn: { idleAskMs: 1_500, idleGoodbyeMs: 1_500, digitTimeoutMs: 400, maxDurationMs: 3_000 + random.below(9_000) },
  });
  return world;
}

/** Goes every way a transfer can, in its own time; aborted, it says so at once or a little later. */
function transferOf({ clock }: CallWorld, random: SeededRandom, signal: AbortSignal): Promise<TransferOutcome> {
  const outcomes: readonly TransferOutcome[] = [
    { type: 'connected' },
    { type: 'handed_over' },
    { type: 'failed', reason: 'busy', detail: '' },
    { type: 'failed', reason: 'cancelled', detail: '' },
  ];
  const outcome = outcomes[random.below(outcomes.length)]!;
  return new Promise((resolve) => {
    const timer = clock.after(random.below(3_000), () => resolve(outcome));
    signal.addEventListener('abort', () => {
      timer.cancel();
      resolve(outcome);
    });
  });
}

/** One thing that happens to a call. */
function disturb(call: CallWorld, random: SeededRandom): void {
  const deeds: (() => void)[] = [
    () => call.say('yes please'),
    () => call.say('stop'),
    () => call.say('okay'),
    () => call.cough(30 + random.below(500), 200 + random.below(9_000)),
    () => call.media.press('123#*'[random.below(5)]!),
    () => call.media.hold(random.below(3) === 0),
    () => {
      call.media.isDtx = !call.media.isDtx;
    },
    () => {
      if (random.below(4) === 0) call.media.isSilentAboutPlayout = true;
    },
    () => {
      if (random.below(8) === 0) call.media.hangUp();
    },
    () => {
      if (random.below(12) === 0) call.conversation.end('drained');
    },
  ];
  deeds[random.below(deeds.length)]?.();
}

async function live(seed: number): Promise<CallWorld> {
  const random = new SeededRandom(seed);
  const call = worldOf(random);
  for (let step = 0; step < STEPS && call.endReason === null; step++) {
    if (random.below(12) === 0) disturb(call, random);
    await call.clock.run(STEP_MS, STEP_MS);
  }
  if (call.endReason === null) call.media.hangUp();
  await call.clock.run(1_500, STEP_MS * 5);
  return call;
}

function check(call: CallWorld): void {
  expect(call.endings).toBe(1);
  expect(call.eventTypes.filter((type) => type === 'ended')).toHaveLength(1);
  expect(call.leftovers()).toEqual([]);
  expect(call.brain.openSessions).toBe(0);
  expect(call.media.latePlays).toBe(0);
  expect(call.log.events).not.toContain('conversation.failed');
  expect(call.turns.map((turn) => turn.index)).toEqual(call.turns.map((_turn, index) => index));

  const complete = call.assistantWords.decode(call.media.ear).filter((word) => word.isComplete);
  const ear = complete.map((word) => word.text);
  const remembered = call.brain.heard.flatMap(({ text }) => text.split(' ')).filter((word) => word !== '');
  expect(remembered.filter((word) => !ear.includes(word))).toEqual([]);

  const replies = ear.filter((word) => /^r\d+w/.test(word)).map((word) => Number(/\d+/.exec(word)?.[0]));
  expect(replies).toEqual(replies.toSorted((a, b) => a - b));
  // Where it is not known what was played, words may be played again: doubt is decided against "heard".
  if (call.media.capabilities.clock === 'local' && !call.media.isSilentAboutPlayout) {
    const brainWords = ear.filter((word) => /^r\d+w/.test(word));
    expect(brainWords).toEqual([...new Set(brainWords)]);
  }
}

describe('whatever happens in a call', () => {
  test(`it ends once, leaves nothing open, and remembers no unheard word (${SCHEDULES} schedules)`, {
    timeout: 120_000,
  }, async () => {
    let ended = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
      const call = await live(seed);
      try {
        check(call);
      } catch (error) {
        throw new Error(`FUZZ_SEED=${seed}`, { cause: error });
      }
      ended++;
    }
    expect(ended).toBe(SCHEDULES);
  });
});
