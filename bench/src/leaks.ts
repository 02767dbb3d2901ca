import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { AudioSocketLeg } from '@assistant/peers/phone/audiosocket-leg';
import { Phone, PhoneGaveUp } from '@assistant/peers/phone/phone';
import { seededRandom } from '@assistant/peers/seeded-random';
import { productGauges } from '@assistant/peers/server/metrics';
import { type ServerUnderTest, startServer } from '@assistant/peers/server/server-under-test';

/** How a call of this bench ends. Four of five hang up; the fifth goes through the other ways in turn. */
const ABNORMAL = ['reset', 'end inside a frame', 'no id', 'phone killed', 'never comes'] as const;
type Ending = 'hang up' | (typeof ABNORMAL)[number];

const LONGEST_CALL_MS = 1_500;
/** The server closes sockets without an id after 5 s, and keeps a context pending for 120 s. */
const SETTLE_MS = 15_000;
const PENDING_MS = 125_000;
const POLL_MS = 500;

type Reading = {
  readonly gauges: Readonly<Record<string, number>>;
  readonly openFiles: number;
  readonly resources: Readonly<Record<string, number>>;
};

/**
 * Many calls, a fifth of them ended abnormally; then every gauge, open file, timer, port and lease must be as before.
 * Options: --calls 1000 --at-once 20 --seed 1 --wait-for-pending (120 s more, until contexts nobody came for expire).
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      calls: { type: 'string', default: '1000' },
      'at-once': { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      'wait-for-pending': { type: 'boolean', default: false },
    },
  });
  const calls = Number(values.calls);
  const random = seededRandom(Number(values.seed));
  await using server = await startServer({ env: { LOG_LEVEL: 'error' } });
  // The first calls open pools and processes that stay: they are no leak, so idle is read after them.
  await makeCalls(server, { calls: 10, atOnce: 5, random, endings: {} });
  await settled(server, null, SETTLE_MS);
  const before = await read(server);
  const endings: Record<string, number> = {};
  const startMs = performance.now();
  await makeCalls(server, { calls, atOnce: Number(values['at-once']), random, endings });
  const tookMs = performance.now() - startMs;
  if (values['wait-for-pending']) await wait(PENDING_MS);
  const after = await settled(server, before, SETTLE_MS);
  const leaks = differences(before, after);
  const statuses = await countStatuses(server);
  const pending = statuses['ringing'] ?? 0;
  if (values['wait-for-pending'] && pending > 0) leaks['contexts nobody came for'] = [0, pending];
  return {
    calls,
    tookSeconds: Math.round(tookMs / 1000),
    endings,
    statuses,
    before,
    after,
    leaks,
    hasLeaks: Object.keys(leaks).length > 0,
  };
}

type Calls = {
  readonly calls: number;
  readonly atOnce: number;
  readonly random: () => number;
  readonly endings: Record<string, number>;
};

async function makeCalls(server: ServerUnderTest, { calls, atOnce, random, endings }: Calls): Promise<void> {
  let next = 0;
  const caller = async () => {
    while (next < calls) {
      const index = next++;
      const isAbnormal = index % 5 === 4;
      const ending: Ending = isAbnormal ? (ABNORMAL[Math.floor(index / 5) % ABNORMAL.length] ?? 'reset') : 'hang up';
      const how = await makeCall(server, ending, random() * LONGEST_CALL_MS);
      endings[how] = (endings[how] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
}

/** Makes one call and tells how it ended; a refused phase 1 is an ending too. */
async function makeCall(server: ServerUnderTest, ending: Ending, lastsMs: number): Promise<string> {
  if (ending === 'no id') {
    const socket = connect(server.audioSocket);
    socket.on('error', () => undefined);
    await wait(lastsMs);
    socket.destroy();
    return ending;
  }
  try {
    const contextId = await server.requestCall();
    if (ending === 'never comes') return ending;
    if (ending === 'phone killed') return await killPhone(server, contextId, lastsMs);
    const leg = new AudioSocketLeg({ ...server.audioSocket, contextId });
    const phone = await Phone.open(leg);
    await phone.stay(lastsMs);
    if (ending === 'reset') phone.abort();
    else if (ending === 'end inside a frame') leg.hangUpInFrame();
    else phone.hangUp();
    await phone.ended;
    return ending;
  } catch (error) {
    if (error instanceof PhoneGaveUp) return 'ended by the server';
    return error instanceof Error ? error.message : String(error);
  }
}

/** A phone in a process of its own that dies in the middle of the call. */
async function killPhone(server: ServerUnderTest, contextId: string, lastsMs: number): Promise<string> {
  const { host, port } = server.audioSocket;
  const child = fork(join(import.meta.dirname, 'leaks-phone.ts'), [host, String(port), contextId], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await wait(lastsMs + 200);
  child.kill('SIGKILL');
  await ended;
  return 'phone killed';
}

/** Waits until everything is as it was, or the time is up; returns the last reading. */
async function settled(server: ServerUnderTest, before: Reading | null, limitMs: number): Promise<Reading> {
  const deadline = Date.now() + limitMs;
  let reading = await read(server);
  while (Date.now() < deadline) {
    await wait(POLL_MS);
    const next = await read(server);
    const isStill = Object.keys(differences(before ?? reading, next)).length === 0;
    reading = next;
    if (isStill) return reading;
  }
  return reading;
}

async function read(server: ServerUnderTest): Promise<Reading> {
  const metrics = await server.metrics();
  // What libuv holds: sockets, timers, pipes, by kind.
  const resources = [...metrics.values].filter(([name]) => name.startsWith('nodejs_active_resources{'));
  return { gauges: productGauges(metrics), openFiles: server.openFiles(), resources: Object.fromEntries(resources) };
}

/** What is more than before: `name: [before, after]`. Less is nearer to idle: a speech engine may have ended meanwhile. */
function differences(before: Reading, after: Reading): Record<string, [number, number]> {
  const found: Record<string, [number, number]> = {};
  const names = new Set([...Object.keys(before.gauges), ...Object.keys(after.gauges)]);
  for (const name of names) {
    const pair: [number, number] = [before.gauges[name] ?? 0, after.gauges[name] ?? 0];
    if (pair[1] > pair[0]) found[name] = pair;
  }
  if (after.openFiles > before.openFiles) found['open files'] = [before.openFiles, after.openFiles];
  for (const [name, value] of Object.entries(after.resources)) {
    const was = before.resources[name] ?? 0;
    if (value > was) found[name] = [was, value];
  }
  return found;
}

/** Calls by status and reason, as the server recorded them. */
async function countStatuses(server: ServerUnderTest): Promise<Record<string, number>> {
  type Page = { calls: { status: string; endReason: string | null }[]; nextCursor: string | null };
  const counts: Record<string, number> = {};
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await server.get(`/v1/calls?limit=200${query}`)) as Page;
    for (const { status, endReason } of page.calls) {
      const key = `${status} ${endReason ?? ''}`.trim();
      counts[key] = (counts[key] ?? 0) + 1;
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return counts;
}
