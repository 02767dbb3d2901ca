import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { canRun, makeFifo, nextMessage, startChild } from './child.ts';
import type { LoadReport } from './pacing-load.ts';
import type { MediaReading } from './pacing-media.ts';
import type { SleeperReport } from './sleeper.ts';

/** A machine whose bare 1 ms sleeper is later than this tells nothing about our pacing. */
const SLEEPER_LIMIT_MS = 2;
const SETTLE_MS = 2000;
const FIFO = 10;

/**
 * AudioSocket calls against the real media worker: lateness on the wire, CPU a frame pair, memory a call. Options: --calls 500
 * --seconds 8 --no-fifo --no-pin. CPU is that of the whole media process, its main thread reading every call's audio included.
 * The media process has core 0, the load peer the last one.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      calls: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '8' },
      fifo: { type: 'boolean', default: true },
      pin: { type: 'boolean', default: true },
    },
  });
  const calls = Number(values.calls);
  const seconds = Number(values.seconds);
  const isFifo = values.fifo && canRun('chrt', ['-f', String(FIFO)]);
  const isPinned = values.pin && availableParallelism() > 1 && canRun('taskset', ['-c', '1']);
  const media = startChild('pacing-media.ts', { args: [], core: isPinned ? 0 : null });
  const { port } = await nextMessage<{ port: number }>(media);
  if (isFifo) makeFifo(media, FIFO);
  const read = async () => {
    const reading = nextMessage<MediaReading>(media);
    media.send('read');
    return await reading;
  };
  const idle = await read();
  const load = startChild('pacing-load.ts', {
    args: [String(port), String(calls), String(seconds)],
    core: isPinned ? availableParallelism() - 1 : null,
  });
  await nextMessage(load);
  if (isFifo) makeFifo(load, FIFO);
  await wait(SETTLE_MS);
  const sleeper = startChild('sleeper.ts', { args: [String(seconds)], core: null });
  if (isFifo) makeFifo(sleeper, FIFO + 2);
  const slept = nextMessage<SleeperReport>(sleeper);
  const begin = await read();
  load.send('measure');
  const loadReport = await nextMessage<LoadReport>(load);
  const end = await read();
  const { lateMs: sleeperLateMs } = await slept;
  load.send('stop');
  await wait(1500);
  const after = await read();
  media.send('stop');
  const result = summary({ calls, idle, begin, end });
  const isVoid = sleeperLateMs.p999 > SLEEPER_LIMIT_MS;
  return {
    calls,
    seconds,
    isFifo,
    isPinned,
    isVoid,
    sleeperLateMs,
    ...result,
    wireLateMs: loadReport.lateMs,
    wireGapMs: loadReport.gapMs,
    loadCpuPercent: loadReport.cpuPercent,
    framesHeard: loadReport.frames,
    gaugesAfter: {
      activeCalls: after.counters.activeCalls,
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
    skips: end.counters.skips - begin.counters.skips,
    drops: end.counters.dropsOut - begin.counters.dropsOut,
    underruns: end.counters.underruns - begin.counters.underruns,
    stalls: end.counters.stalls - begin.counters.stalls,
    workerLate: end.counters.late.map((count, index) => count - (begin.counters.late[index] ?? 0)),
  };
}
