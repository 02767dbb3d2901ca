import { parseArgs } from 'node:util';
import { CALLER_VOICES, CallerSpeech } from '@assistant/peers/phone/speech';
import { seededRandom } from '@assistant/peers/seeded-random';
import { startServer } from '@assistant/peers/server/server-under-test';
import { type Disturbance, type DisturbanceResult, disturb } from './barge-in-disturb.ts';
import { type Interruption, type InterruptionResult, interrupt } from './barge-in-interrupt.ts';
import { longAnswer } from './long-answer.ts';
import { percentiles } from './percentiles.ts';

const SAMPLE_RATE = 8_000;
const PHRASES = [
  'Excuse me, I have a question about my bill.',
  'Stop, please, I want to talk to somebody.',
  'Billing.',
  'No, wait, that is not what I asked for.',
  'Hello? Can you hear me?',
];
const KINDS = ['cough', 'click', 'keypad tone', 'echo', 'grunt'] as const;
type Kind = (typeof KINDS)[number];

/**
 * Interruptions that must silence the assistant, and noises that must not. Options: --interruptions 100 --noises 100
 * --at-once 4 --seed 1 --kinds cough,click,…. The assistant gives one long answer; callers are flite's voices and synthetic noises
 * (peers/src/audio/noises.ts says how they are made), all of it over AudioSocket, measured on what the phone received.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      interruptions: { type: 'string', default: '100' },
      noises: { type: 'string', default: '100' },
      'at-once': { type: 'string', default: '4' },
      seed: { type: 'string', default: '1' },
      kinds: { type: 'string', default: KINDS.join(',') },
    },
  });
  const random = seededRandom(Number(values.seed));
  await using speech = new CallerSpeech(SAMPLE_RATE);
  await using server = await startServer({ settings: longAnswer(), env: { LOG_LEVEL: 'error' } });
  const interruptions = await planInterruptions(Number(values.interruptions), speech, random);
  const noises = planNoises(Number(values.noises), readKinds(values.kinds), random);
  const atOnce = Number(values['at-once']);
  const interrupted = await inTurns(interruptions, atOnce, (each) => interrupt(server, each));
  const disturbed = await disturb(server, noises, (task) => inTurns(noises, atOnce, task));
  return {
    seed: Number(values.seed),
    interruptions: summary(interrupted),
    noises: Object.fromEntries(
      KINDS.map((kind) => [kind, noiseSummary(disturbed.filter((each) => each.kind === kind))]),
    ),
    failures: [...interrupted.filter((each) => !each.isRight), ...disturbed.filter((each) => !each.isRight)],
  };
}

async function planInterruptions(count: number, speech: CallerSpeech, random: () => number): Promise<Interruption[]> {
  const plan: Interruption[] = [];
  for (let index = 0; index < count; index++) {
    const voice = CALLER_VOICES[index % CALLER_VOICES.length] ?? 'slt';
    const phrase = PHRASES[Math.floor(random() * PHRASES.length)] ?? '';
    plan.push({ voice, phrase, samples: await speech.samples(phrase, voice), afterMs: 500 + 6_000 * random() });
  }
  return plan;
}

function readKinds(text: string): readonly Kind[] {
  const kinds = text.split(',').map((name) => KINDS.find((kind) => kind === name.trim()));
  if (kinds.includes(undefined)) throw new Error(`--kinds ${text}: there are ${KINDS.join(', ')}`);
  return kinds.filter((kind) => kind !== undefined);
}

function planNoises(count: number, kinds: readonly Kind[], random: () => number): Disturbance[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: kinds[index % kinds.length] ?? 'cough',
    seed: Math.floor(random() * 2 ** 32),
    afterMs: 600 + 1_500 * random(),
  }));
}

/** Runs a task for each item, so many at once, and keeps the order. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await task(items[index] as Item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

function summary(results: readonly InterruptionResult[]): object {
  const stops = results.flatMap(({ stopMs }) => (stopMs === null ? [] : [stopMs]));
  const byVoice = CALLER_VOICES.map((voice) => {
    const own = results.filter((each) => each.voice === voice);
    const ownStops = own.flatMap(({ stopMs }) => (stopMs === null ? [] : [stopMs]));
    return [voice, { count: own.length, right: own.filter((each) => each.isRight).length, stopMs: spread(ownStops) }];
  });
  return {
    count: results.length,
    right: results.filter((each) => each.isRight).length,
    stopMs: spread(stops),
    voices: Object.fromEntries(byVoice),
  };
}

function noiseSummary(results: readonly DisturbanceResult[]): object {
  return {
    count: results.length,
    right: results.filter((each) => each.isRight).length,
    pauseMs: spread(results.map((each) => each.pauseMs)),
    repeatedMs: spread(results.map((each) => each.repeatedMs)),
    missingMs: spread(results.map((each) => each.missingMs)),
  };
}

function spread(values: readonly number[]): object {
  return percentiles(Float64Array.from(values));
}
