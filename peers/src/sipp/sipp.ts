import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianProgram } from '../debian.ts';
import { freeUdpBlock } from '../free-ports.ts';
import { tryProgram } from '../run-program.ts';
import { type SippCounts, sumOfCounts } from './sipp-counts.ts';

const HOST = '127.0.0.1';
const SCENARIOS = join(import.meta.dirname, 'scenarios');
/** Beyond it SIPp gives the scenario up. */
const DEFAULT_TIMEOUT_SECONDS = 30;
/** SIPp says nothing on standard output that a program could read; a terminal of this kind lets it start without one. */
const TERMINAL = { TERM: 'vt100' };

export type SippRun = {
  /** The name of a file in scenarios/. */
  readonly scenario: string;
  readonly port: number;
  readonly transport?: 'UDP' | 'TCP';
  /** Who is dialled. */
  readonly service: string;
  /** `[password]` in the scenario, and the password of `[authentication]`. */
  readonly password: string;
  /** The user of `[authentication]`. */
  readonly username?: string;
  /** More keywords: `[authorization]`. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly timeoutSeconds?: number;
  /** Calls in all, and at once. */
  readonly calls?: number;
  readonly more?: readonly string[];
  /** Words before the program: taskset. */
  readonly through?: readonly string[];
};

export type SippResult = {
  /** Each call went by the scenario. */
  readonly isPassed: boolean;
  /** Messages of the scenario, over all calls. */
  readonly counts: SippCounts;
  /** What went wrong, in SIPp's words, and the messages around it; empty when nothing did. */
  readonly complaint: string;
  readonly screen: string;
  /** Files that SIPp was told to write into its folder (-trace_rtt), by their ending. */
  readonly traces: Readonly<Record<string, string>>;
};

/** Plays one of our scenarios with Debian's SIPp against a server on loopback. @throws DebianPackageMissing */
export async function runSipp(run: SippRun): Promise<SippResult> {
  const program = await debianProgram('sipp', 'sip-tester');
  const folder = await mkdtemp(join(tmpdir(), 'sipp-'));
  try {
    const seconds = run.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
    const command = [...(run.through ?? []), ...program.command, ...(await argumentsOf(run, seconds))];
    const { exitCode, stderr } = await tryProgram(command, {
      cwd: folder,
      env: TERMINAL,
      timeoutMs: (seconds + 20) * 1000,
    });
    const files = await readTraces(folder);
    const isPassed = exitCode === 0;
    const complaint = isPassed ? '' : `${stderr}\n${files['errors'] ?? ''}\n${(files['messages'] ?? '').slice(-6000)}`;
    return {
      isPassed,
      counts: sumOfCounts(files['counts'] ?? ''),
      complaint,
      screen: files['screen'] ?? '',
      traces: files,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function argumentsOf(run: SippRun, seconds: number): Promise<string[]> {
  const { transport = 'UDP', username = run.service, keys = {}, calls = 1, more = [] } = run;
  const localPort = await freeUdpBlock(4);
  const keywords = Object.entries({ password: run.password, ...keys }).flatMap(([name, value]) => [
    '-key',
    name,
    value,
  ]);
  return [
    `${HOST}:${run.port}`,
    ...['-sf', join(SCENARIOS, `${run.scenario}.xml`), '-t', transport === 'UDP' ? 'u1' : 't1'],
    ...['-i', HOST, '-p', String(localPort), '-mi', HOST, '-mp', String(localPort + 2)],
    ...['-s', run.service, '-au', username, '-ap', run.password, ...keywords],
    ...['-m', String(calls), '-l', String(calls), '-timeout', `${seconds}s`, '-timeout_error', '-nostdin'],
    ...['-trace_err', '-trace_counts', '-trace_screen', ...(calls === 1 ? ['-trace_msg'] : [])],
    ...more,
  ];
}

/** SIPp names its files `scenario_pid_kind.log` or `.csv`. */
async function readTraces(folder: string): Promise<Record<string, string>> {
  const traces: Record<string, string> = {};
  for (const name of await readdir(folder)) {
    const kind = /_\d+_([a-z]+)\.(?:log|csv)$/.exec(name)?.[1];
    if (kind) traces[kind] = await readFile(join(folder, name), 'latin1');
  }
  return traces;
}
