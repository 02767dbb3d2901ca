import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { canRun, makeFifo, nextMessage, pinThreads, startChild } from './child.ts';
import { stolenMs } from './conditions.ts';
import type { LoadReport } from './load-report.ts';
import type { MediaReading } from './media-process.ts';
import type { SleeperReport } from './sleeper.ts';

/** A machine whose bare 1 ms sleeper is later than this tells nothing about our pacing. */
const SLEEPER_LIMIT_MS = 2;
/** Until the first reports (RTCP, after 2.5 to 7.5 s) were sent and their code is compiled: what is measured is a process that has run. */
const SETTLE_MS = 9000;
const FIFO = 10;

/** The two sides of a call, each a program of its own. */
export type PacingPrograms = {
  /** Gets the number of calls, says where they are taken. */
  readonly media: string;
  /** Gets that place, the number of calls, the seconds. */
  readonly load: string;
};

const OPTIONS = {
  calls: { type: 'string', default: '500' },
  seconds: { type: 'string', default: '8' },
  fifo: { type: 'boolean', default: true },
  pin: { type: 'boolean', default: true },
  udp: { type: 'string', default: 'auto' },
} as const;

/** AudioSocket calls against the real media worker. */
export function run(args: readonly string[]): Promise<object> {
  return measurePacing(args, { media: 'pacing-media.ts', load: 'pacing-load.ts' });
}

/**
 * Lateness on the wire, CPU a frame pair, memory a call. Options: --calls 500 --seconds 8 --no-fifo --no-pin --udp auto (RTP only). CPU is that of the
 * whole media process, its main thread reading every call's audio included. The media thread has core 0, the load peer and the
 * media process's other threads the last one: all on one core, more than 950 ms of a second under SCHED_FIFO, and the kernel stops
 * them for the rest of it (sched_rt_runtime_us), which looks like 50 ms of lateness. `stolenMs` is what the hypervisor took.
 */
export async function measurePacing(args: readonly string[], programs: PacingPrograms): Promise<object> {
  const { values } = parseArgs({ args: [...args], allowNegative: true, options: OPTIONS });
  const calls = Number(values.calls);
  const seconds = Number(values.seconds);
  const isFifo = values.fifo && canRun('chrt', ['-f', String(FIFO)]);
  const isPinned = values.pin && availableParallelism() > 1 && canRun('taskset', ['-c', '1']);
  const media = startChild(programs.media, { args: [String(calls), values.udp], core: null });
  const { where, idle } = await nextMessage<{ where: string; idle: MediaReading }>(media);
  if (isPinned) pinThreads(media, 'media', { own: 0, others: availableParallelism() - 1 });
  if (isFifo) makeFifo(media, FIFO);
  const read = async () => {
    const reading = nextMessage<MediaReading>(media);
    media.send('read');
    return await reading;
  };
  const load = startChild(programs.load, {
    args: [where, String(calls), String(seconds)],
    core: isPinned ? availableParallelism() - 1 : null,
  });
  await nextMessage(load);
  if (isFifo) makeFifo(load, FIFO);
  // On the media thread's core, as a virtual one may stand still by itself; started early, as a start takes what it measures.
  const sleeper = startChild('sleeper.ts', { args: [String(seconds)], core: isPinned ? 0 : null });
  await nextMessage(sleeper);
  if (isFifo) makeFifo(sleeper, FIFO + 2);
  await wait(SETTLE_MS);
  const slept = nextMessage<SleeperReport>(sleeper);
  sleeper.send('measure');
  const stolenBeforeMs = stolenMs();
  const begin = await read();
  load.send('measure');
  const loadReport = await nextMessage<LoadReport>(load);
  const end = await read();
  const { lateMs: sleeperLateMs } = await slept;
  load.send('stop');
  const hungUp = nextMessage(media);
  media.send('hang up');
  await hungUp;
  await wait(1500);
  const after = await read();
  media.send('stop');
  const result = summary({ calls, idle, begin, end });
  const isVoid = sleeperLateMs.p999 > SLEEPER_LIMIT_MS;
  return {
    calls,
    seconds,
    isFifo,
    udp: values.udp,
    isPinned,
    isVoid,
    stolenMs: stolenMs() - stolenBeforeMs,
    sleeperLateMs,
    ...result,
    wireLateMs: loadReport.lateMs,
    wireGapMs: loadReport.gapMs,
    loadCpuPercent: loadReport.cpuPercent,
    framesHeard: loadReport.frames,
    gaugesAfter: {
      activeCalls: after.counters.activeCalls,
      rtpPorts: after.counters.rtpPorts,
      framesInUse: after.counters.framesInUse,
      fds: after.fds - idle.fds,
    },
  };
}

function summary(readings: { calls: number; idle: MediaReading; begin: MediaReading; end: MediaReading }): object {
  const { calls, idle, begin, end } = readings;
  const pairs = end.counters.framesOut - begin.counters.framesOut;
  const cpuUs = end.cpuUs - begin.cpuUs;
  const usPerPair = cpuUs / pairs;
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    framePairs: pairs,
    cpuUsPerPair: round(usPerPair),
    workerUsPerPair: round((end.workerCpuUs - begin.workerCpuUs) / pairs),
    cpuPercent: round((cpuUs / ((end.atMs - begin.atMs) * 1000)) * 100),
    callsPerCore: Math.floor(1_000_000 / 50 / usPerPair),
    memoryKbPerCall: round((end.rssBytes - idle.rssBytes) / 1024 / calls),
    strangers: end.counters.strangers - begin.counters.strangers,
    skips: end.counters.skips - begin.counters.skips,
    drops: end.counters.dropsOut - begin.counters.dropsOut,
    underruns: end.counters.underruns - begin.counters.underruns,
    stalls: end.counters.stalls - begin.counters.stalls,
    workerLate: end.counters.late.map((count, index) => count - (begin.counters.late[index] ?? 0)),
  };
}
