import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallRecord } from '../server/call-record.ts';
import { productGauges } from '../server/metrics.ts';
import type { ServerUnderTest } from '../server/server-under-test.ts';
import type { Asterisk } from './asterisk.ts';

export type CallLoad = {
  /** A number of the dialplan's [lines]. */
  readonly number: string;
  /** Calls a second, by the clock, whether or not those before are over. */
  readonly rate: number;
  readonly seconds: number;
  /** Whole seconds of sound the caller sends before hanging up: 1 to 10. */
  readonly talkSeconds: number;
};

export type LoadOutcome = {
  readonly placed: number;
  /** Calls that were greeted and ended as the caller had it. */
  readonly right: number;
  /** Every other call, by what became of it. */
  readonly lost: Readonly<Record<string, number>>;
  /** From phase 1 to the first claimed frame, by the records, ms. */
  readonly answeredMs: readonly number[];
  /** The most channels Asterisk had at once; an AudioSocket() call is two (both ends of the Local caller), a Dial() call three. */
  readonly mostChannels: number;
  /** What is left when all is over. */
  readonly left: {
    readonly asteriskChannels: number;
    /** Of its process, more than before. */
    readonly asteriskFiles: number;
    /** Gauges of the server that are not as before: name to [before, after]. */
    readonly gauges: Readonly<Record<string, readonly [number, number]>>;
  };
};

const POLL_MS = 250;
const SETTLE_MS = 20_000;
const PAGE = 200;
/** Of the machine and of pools that stay as large as they once had to be. */
const NOT_LEAKS = /^(database_|inference_|engine_|speech_engine)/;

/** Calls made inside Asterisk at a steady rate; then every one of them is looked up in the server's records. */
export async function makeCallLoad(server: ServerUnderTest, asterisk: Asterisk, load: CallLoad): Promise<LoadOutcome> {
  const files = openFiles(asterisk.pid);
  const gauges = productGauges(await server.metrics());
  const before = new Set((await records(server)).map(({ contextId }) => contextId));
  const failures: Record<string, number> = {};
  const count = Math.round(load.rate * load.seconds);
  const watch = watchChannels(asterisk);
  const startMs = performance.now();
  const placing: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    const dueMs = startMs + (index * 1000) / load.rate;
    await sleep(Math.max(0, dueMs - performance.now()));
    placing.push(
      place(asterisk, load, index).catch((error: unknown) => count1(failures, `not placed: ${String(error)}`)),
    );
  }
  await Promise.all(placing);
  await settled(async () => (await asterisk.ari.channels()).length === 0, load.talkSeconds * 1000 + SETTLE_MS);
  await settled(async () => Object.keys(await changedGauges(server, gauges)).length === 0, SETTLE_MS);
  const made = async () => (await records(server)).filter(({ contextId }) => !before.has(contextId));
  // What is written behind a call comes after its gauges; what never comes is a lost call.
  await settled(async () => (await made()).every(({ endReason }) => endReason !== null), SETTLE_MS);
  const calls = await made();
  const right = calls.filter((call) => call.endReason === 'caller_hung_up' && call.answeredAt !== null);
  for (const call of calls)
    if (!right.includes(call)) count1(failures, `${call.status} ${call.endReason ?? 'without an end'}`);
  const told = right.length + Object.values(failures).reduce((sum, one) => sum + one, 0);
  if (told < count) failures['never asked for a contextId'] = count - told;
  return {
    placed: count,
    right: right.length,
    lost: failures,
    answeredMs: right.map((call) => Date.parse(call.answeredAt ?? '') - Date.parse(call.createdAt)),
    mostChannels: await watch.stop(),
    left: {
      asteriskChannels: (await asterisk.ari.channels()).length,
      asteriskFiles: openFiles(asterisk.pid) - files,
      gauges: await changedGauges(server, gauges),
    },
  };
}

async function place(asterisk: Asterisk, { number, talkSeconds }: CallLoad, index: number): Promise<void> {
  await asterisk.ari.originate({
    endpoint: `Local/${number}@lines/n`,
    context: 'caller',
    extension: 'steps',
    callerId: `<1555${String(index).padStart(7, '0')}>`,
    variables: { STEPS: `Playback(silence/${talkSeconds})`, RECORDING: '' },
  });
}

function watchChannels(asterisk: Asterisk): { stop(): Promise<number> } {
  let most = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      most = Math.max(most, (await asterisk.ari.channels()).length);
      await sleep(POLL_MS);
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await watching;
      return most;
    },
  };
}

async function settled(isSettled: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSettled()) && performance.now() < deadline) await sleep(POLL_MS);
}

async function changedGauges(
  server: ServerUnderTest,
  before: Readonly<Record<string, number>>,
): Promise<Record<string, readonly [number, number]>> {
  const now = productGauges(await server.metrics());
  const changed = Object.entries(now).filter(([name, value]) => value !== (before[name] ?? 0) && !NOT_LEAKS.test(name));
  return Object.fromEntries(changed.map(([name, value]) => [name, [before[name] ?? 0, value] as const]));
}

async function records(server: ServerUnderTest): Promise<CallRecord['call'][]> {
  const all: CallRecord['call'][] = [];
  let cursor: string | null = null;
  do {
    const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await server.get(`/v1/calls?limit=${PAGE}${from}`)) as {
      readonly calls: CallRecord['call'][];
      readonly nextCursor: string | null;
    };
    all.push(...page.calls);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return all;
}

function count1(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
