import { spawnSync } from 'node:child_process';
import { setPriority } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ServerUnderTest, startServer } from '@assistant/peers/server/server-under-test';
import { testAssistant } from '@assistant/peers/server/test-assistant';
import { runSipp, type SippResult } from '@assistant/peers/sipp/sipp';
import { hitchesOf } from '@assistant/peers/sipp/sipp-counts';
import { descendantsOf, putAheadOfOthers } from './ahead-of-others.ts';
import { canRun } from './child.ts';
import { type Cpu, cpuMsOf } from './cpu-of.ts';
import { hundredth } from './percentiles.ts';

const SCENARIO = 'digest-load';
/** A thousand calls: before, more than half of a call's time goes into compiling. */
const WARM_UP = { rate: 100, seconds: 10 };
/** As far behind the server as the server itself starts it. */
const DATABASE_NICENESS = -14;
/** A freed pair of ports rests for 30 s: the default range of 5,000 pairs carries 160 calls of a second each. */
const RTP_PORTS = { SIP__RTP_PORT_RANGE_START: '10000', SIP__RTP_PORT_RANGE_END: '31999' };
/** The number of the response time in digest-load.xml. */
const TO_100 = '2';
const TO_200 = '1';

type Load = { readonly rate: number; readonly seconds: number; readonly through: readonly string[] };

/**
 * Calls over SIP in an open loop, by Debian's SIPp: digest, a context row, a conversation that begins to speak, BYE after a
 * second, the record written. Options: --rate 200 --seconds 30, --no-pin (server on core 0, SIPp on core 1 where taskset can; the
 * database runs on either), --node-options=… for the server.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      rate: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '30' },
      pin: { type: 'boolean', default: true },
      'node-options': { type: 'string', default: '' },
    },
  });
  const isPinned = values.pin && canRun('taskset', ['-c', '1']);
  const env = { LOG_LEVEL: 'error', NODE_OPTIONS: values['node-options'], ...RTP_PORTS };
  await using server = await startServer({ env, settings: testAssistant() });
  if (isPinned) spawnSync('taskset', ['-a', '-p', '-c', '0', `${server.pid}`]);
  const isAhead = putAheadOfOthers(server.pid) && canRun('nice', ['-n', '-19']);
  if (isAhead) for (const child of descendantsOf(server.pid)) setPriority(child, DATABASE_NICENESS);
  const through = [...(isAhead ? ['nice', '-n', '-19'] : []), ...(isPinned ? ['taskset', '-c', '1'] : [])];
  await runLoad(server, { ...WARM_UP, rate: Math.min(WARM_UP.rate, Number(values.rate)), through });
  const steady = await runLoad(server, { rate: Number(values.rate), seconds: Number(values.seconds), through });
  const where = isPinned ? 'server on core 0, SIPp on core 1, database on either' : 'anywhere';
  return { where, isAhead, ...steady };
}

async function runLoad(server: ServerUnderTest, { rate, seconds, through }: Load): Promise<object> {
  const before = await readings(server);
  const cpu = cpuMsOf(server.pid);
  const [, port = ''] = server.sip.split(':');
  const startedMs = performance.now();
  const result = await runSipp({
    scenario: SCENARIO,
    port: Number(port),
    service: '15550100',
    username: server.assistantId,
    password: server.apiKey,
    calls: rate * seconds,
    timeoutSeconds: seconds + 60,
    through,
    more: ['-r', `${rate}`, '-l', `${rate * 10}`, '-trace_rtt'],
  });
  const tookSeconds = (performance.now() - startedMs) / 1000;
  await wait(1500);
  const after = await readings(server);
  const count = (name: keyof typeof after) => after[name] - before[name];
  return {
    rate,
    calls: rate * seconds,
    isPassed: result.isPassed,
    ...(result.isPassed
      ? {}
      : { complaint: result.complaint.slice(0, 600), serverSaid: server.output.split('\n').slice(-5) }),
    hitches: hitchesOf(result.counts),
    msTo100: responseTimes(result, TO_100),
    msTo200: responseTimes(result, TO_200),
    callsPerSecond: hundredth((rate * seconds) / tookSeconds),
    recorded: { received: count('received'), started: count('started'), ended: count('ended') },
    framesSent: count('frames'),
    cpuMsPerCall: perCall(cpu, cpuMsOf(server.pid), count('received')),
  };
}

/** Of a call that was let in. `process` is the server's with all its threads; its children are the database, which runs on either core. */
function perCall(before: Cpu, after: Cpu, calls: number): Cpu {
  const each = (name: keyof Cpu) => hundredth((after[name] - before[name]) / calls);
  return { process: each('process'), mainThread: each('mainThread'), children: each('children') };
}

async function readings(server: ServerUnderTest) {
  const { values } = await server.metrics();
  const sum = (name: string) => {
    const samples = [...values].filter(([sample]) => sample.split('{')[0] === name);
    return samples.reduce((total, [, value]) => total + value, 0);
  };
  return {
    received: sum('calls_received_total'),
    started: sum('calls_started_total'),
    ended: sum('calls_ended_total'),
    frames: sum('media_frames_out_total'),
  };
}

/** Of a file of -trace_rtt: `Date_ms;response_time_ms;rtd_name`. */
function responseTimes({ traces }: SippResult, name: string) {
  const rows = (traces['rtt'] ?? '').split('\n').map((line) => line.split(';'));
  const times = rows.filter(([, , rtd]) => rtd === name).map(([, ms]) => Number(ms));
  times.sort((a, b) => a - b);
  const at = (share: number) => hundredth(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
