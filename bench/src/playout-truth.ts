import { parseArgs } from 'node:util';
import type { MarkHabits } from '@assistant/peers/carriers/carrier-leg';
import { seededRandom } from '@assistant/peers/seeded-random';
import { hundredth, percentiles } from './percentiles.ts';
import { type TruthCallResult, truthCall } from './playout-truth-call.ts';
import { CARRIERS, type Carrier, TruthServer } from './playout-truth-server.ts';
import type { Reading } from './playout-truth-watch.ts';

/** The server may take audio for heard this much too early … */
export const MOST_AHEAD_MS = 40;
/** … and this much later than the network alone makes it. */
export const MOST_BEHIND_MS = 60;
/** From the decision to the `clear` on the socket. */
export const MOST_CLEAR_MS = 2;

export type TruthFigures = {
  readonly carrier: Carrier;
  readonly oneWayMs: number;
  readonly interruptions: number;
  /** Of them while this process stood still; left out of the three that follow. */
  readonly disturbed: number;
  /** ms; negative: the server was behind all the time. */
  readonly aheadMs: number;
  readonly aheadAtAnyTimeMs: number;
  readonly behindMs: { readonly p50: number; readonly max: number };
  /** With the disturbed ones. */
  readonly worstOfAllMs: { readonly ahead: number; readonly behind: number };
  readonly rememberedWords: number;
  readonly unheardWords: readonly string[];
  readonly forgottenWords: number;
  readonly clearMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly clearsBuffered: number;
  readonly underruns: number;
  readonly faults: readonly string[];
};

export type TruthPlan = {
  readonly carrier: Carrier;
  readonly oneWayMs: number;
  readonly jitterMs: number;
  readonly interruptions: number;
  readonly calls: number;
  readonly seed: number;
  readonly marks?: MarkHabits;
};

/**
 * Whether the server knows what its listener heard: interruptions at random moments over carriers that record what they play.
 * Half of the calls have a voice that tells where words end. Options: --interruptions 100 --calls 10 --delays 0,60,150 --jitter 20
 * --carriers twilio,vonage,exotel --seed 1.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      interruptions: { type: 'string', default: '100' },
      calls: { type: 'string', default: '10' },
      delays: { type: 'string', default: '0,60,150' },
      jitter: { type: 'string', default: '20' },
      carriers: { type: 'string', default: CARRIERS.join(',') },
      seed: { type: 'string', default: '1' },
    },
  });
  const figures: TruthFigures[] = [];
  for (const carrier of CARRIERS.filter((name) => values.carriers.split(',').includes(name))) {
    for (const oneWayMs of values.delays.split(',').map(Number)) {
      const plan = {
        carrier,
        oneWayMs,
        jitterMs: Number(values.jitter),
        interruptions: Number(values.interruptions),
        calls: Number(values.calls),
        seed: Number(values.seed),
      };
      figures.push(await measureTruth(plan));
      console.error(tableLine(figures.at(-1) as TruthFigures));
    }
  }
  return { seed: Number(values.seed), jitterMs: Number(values.jitter), figures };
}

/** Holds the calls of one carrier at one delay, all at once. */
export async function measureTruth(plan: TruthPlan): Promise<TruthFigures> {
  const { carrier, oneWayMs, jitterMs, interruptions, calls, seed, marks } = plan;
  await using telling = await TruthServer.listen(true);
  await using silent = await TruthServer.listen(false);
  const results = await Promise.all(
    Array.from({ length: calls }, (_, index) => {
      const own = Math.floor(interruptions / calls) + (index < interruptions % calls ? 1 : 0);
      const random = seededRandom(seed * 1_000 + index);
      const server = index % 2 === 0 ? telling : silent;
      return truthCall({ server, carrier, oneWayMs, jitterMs, interruptions: own, random, ...(marks && { marks }) });
    }),
  );
  return summary(plan, results);
}

function summary({ carrier, oneWayMs }: TruthPlan, results: readonly TruthCallResult[]): TruthFigures {
  const all = results.flatMap(({ atPause }) => atPause);
  const readings = all.filter(({ isDisturbed }) => !isDisturbed);
  const always = results.flatMap(({ atAnyTime }) => atAnyTime).filter(({ isDisturbed }) => !isDisturbed);
  const sum = (of: (result: TruthCallResult) => number) => results.reduce((total, each) => total + of(each), 0);
  const highest = (values: readonly number[]) => hundredth(values.reduce((a, b) => Math.max(a, b), -Infinity));
  const behind = percentiles(Float64Array.from(readings, behindOf));
  return {
    carrier,
    oneWayMs,
    interruptions: all.length,
    disturbed: all.length - readings.length,
    aheadMs: highest(readings.map(aheadOf)),
    aheadAtAnyTimeMs: highest(always.map(aheadOf)),
    behindMs: { p50: behind.p50, max: behind.max },
    worstOfAllMs: { ahead: highest(all.map(aheadOf)), behind: highest(all.map(behindOf)) },
    rememberedWords: sum((each) => each.rememberedWords),
    unheardWords: results.flatMap(({ unheardWords }) => unheardWords),
    forgottenWords: sum((each) => each.forgottenWords),
    clearMs: percentiles(Float64Array.from(results.flatMap(({ clearDelaysMs }) => clearDelaysMs))),
    clearsBuffered: sum((each) => each.clearsBuffered),
    underruns: sum((each) => each.underruns),
    faults: results.flatMap(({ faults }) => faults),
  };
}

function aheadOf({ believedMs, playedMs }: Reading): number {
  return believedMs - playedMs;
}

function behindOf({ believedMs, playedMs }: Reading): number {
  return playedMs - believedMs;
}

function tableLine(figures: TruthFigures): string {
  const { carrier, oneWayMs, interruptions, aheadMs, aheadAtAnyTimeMs, behindMs, clearMs } = figures;
  return [
    carrier.padEnd(7),
    `${oneWayMs} ms`.padStart(6),
    `${interruptions} interruptions, ${figures.disturbed} disturbed`,
    `ahead ${aheadMs} (any time ${aheadAtAnyTimeMs})`,
    `behind p50 ${behindMs.p50} max ${behindMs.max}`,
    `of all ahead ${figures.worstOfAllMs.ahead} behind ${figures.worstOfAllMs.behind}`,
    `words ${figures.rememberedWords} remembered, ${figures.unheardWords.length} unheard, ${figures.forgottenWords} forgotten`,
    `clear p50 ${clearMs.p50} p99 ${clearMs.p99} max ${clearMs.max}, ${figures.clearsBuffered} buffered`,
    `gaps ${figures.underruns}`,
    figures.faults.join(' '),
  ].join(' | ');
}
