import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { canRun, makeFifo, nextMessage, pinThreads, startChild } from './child.ts';
import { stolenMs } from './conditions.ts';
import type { LoadReport } from './load-report.ts';
import type { MediaReading } from './media-process.ts';

const SETTLE_MS = 5000;
const FIFO = 10;
/** Between two looks at the process. */
const LOOK_MS = 20_000;
/** What leaks shows in the second half; the first fills pools and caches. */
const SLOPE_FROM = 0.5;

/**
 * Calls over RTP for a long while: no drift (frames sent against the clock), no leak (memory, sockets, ports), no fault. Options:
 * --calls 500 --seconds 600 --no-fifo --udp auto. Without SCHED_FIFO a busy machine skips turns, which tells of the machine and not of us.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      calls: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '600' },
      fifo: { type: 'boolean', default: true },
      udp: { type: 'string', default: 'auto' },
    },
  });
  const calls = Number(values.calls);
  const seconds = Number(values.seconds);
  const media = startChild('rtp-pacing-media.ts', { args: [String(calls), values.udp], core: null });
  const { where, idle } = await nextMessage<{ where: string; idle: MediaReading }>(media);
  const isFifo = values.fifo && availableParallelism() > 1 && canRun('chrt', ['-f', String(FIFO)]);
  const lastCore = availableParallelism() - 1;
  if (isFifo) pinThreads(media, 'media', { own: 0, others: lastCore });
  if (isFifo) makeFifo(media, FIFO);
  const read = async () => {
    const reading = nextMessage<MediaReading>(media);
    media.send('read');
    return await reading;
  };
  const load = startChild('rtp-pacing-load.ts', {
    args: [where, String(calls), String(seconds)],
    core: isFifo ? lastCore : null,
  });
  await nextMessage(load);
  if (isFifo) makeFifo(load, FIFO);
  await wait(SETTLE_MS);
  const stolenBeforeMs = stolenMs();
  const report = nextMessage<LoadReport>(load);
  load.send('measure');
  const readings = [await read()];
  // The last look comes before the phones sum up what they heard, which takes the core for seconds.
  for (let looks = Math.floor((seconds * 1000 - 1) / LOOK_MS); looks > 0; looks--) {
    await wait(LOOK_MS);
    readings.push(await read());
  }
  const { frames, lateMs, gapMs } = await report;
  load.send('stop');
  const hungUp = nextMessage(media);
  media.send('hang up');
  await hungUp;
  await wait(2000);
  const after = await read();
  media.send('stop');
  return {
    calls,
    seconds,
    isFifo,
    udp: values.udp,
    stolenMs: stolenMs() - stolenBeforeMs,
    ...summary(readings, calls),
    phonesHeard: { frames, lateMs, gapMs },
    gaugesAfter: {
      activeCalls: after.counters.activeCalls,
      rtpPorts: after.counters.rtpPorts,
      framesInUse: after.counters.framesInUse,
      fds: after.fds - idle.fds,
    },
  };
}

const FRAMES_A_SECOND = 50;

function summary(readings: readonly MediaReading[], calls: number): object {
  const [first] = readings;
  const last = readings.at(-1);
  if (first === undefined || last === undefined) throw new Error('the soak was shorter than one look');
  const sent = last.counters.framesOut - first.counters.framesOut;
  const expected = ((last.atMs - first.atMs) / 1000) * FRAMES_A_SECOND * calls;
  const skips = last.counters.skips - first.counters.skips;
  return {
    framesOut: sent,
    /** Of a call, against the clock, what was skipped counted as sent. */
    driftMs: Math.round(((sent + skips - expected) / calls) * (1000 / FRAMES_A_SECOND)),
    skips,
    dropsOut: last.counters.dropsOut - first.counters.dropsOut,
    underruns: last.counters.underruns - first.counters.underruns,
    socketErrors: last.counters.socketErrors - first.counters.socketErrors,
    droppedIn: last.counters.samplesDroppedIn - first.counters.samplesDroppedIn,
    restarts: last.counters.restarts,
    cpuUsPerPair: Math.round(((last.cpuUs - first.cpuUs) / sent) * 10) / 10,
    rssMb: readings.map(({ rssBytes }) => Math.round(rssBytes / 2 ** 20)),
    slopeMbPerHour: slope(readings.slice(Math.floor(readings.length * SLOPE_FROM))),
    fds: [first.fds, last.fds],
    workerLate: last.counters.late.map((count, index) => count - (first.counters.late[index] ?? 0)),
  };
}

/** Least squares through resident memory over time. */
function slope(readings: readonly MediaReading[]): number {
  const hours = readings.map(({ atMs }) => atMs / 3_600_000);
  const mb = readings.map(({ rssBytes }) => rssBytes / 2 ** 20);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanHours, meanMb] = [mean(hours), mean(mb)];
  let product = 0;
  let square = 0;
  for (const [index, hour] of hours.entries()) {
    product += (hour - meanHours) * ((mb[index] ?? 0) - meanMb);
    square += (hour - meanHours) ** 2;
  }
  return square === 0 ? 0 : Math.round((product / square) * 10) / 10;
}
