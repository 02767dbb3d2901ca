import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { canRun, makeFifo, nextMessage, startChild } from './child.ts';
import type { SocketLoadReport } from './ws-load.ts';
import type { SocketReading } from './ws-media.ts';

const SETTLE_MS = 3_000;
const FRAMES_A_SECOND = 50;
const FIFO = 10;

/**
 * Media-only calls over a carrier's WebSocket, the assistant speaking and hearing all the time: CPU a frame pair (20 ms each way),
 * memory a call, and whether the carrier's buffers ran dry. Options: --channel twilio --calls 300 --seconds 10. The server has core 0,
 * the carriers the last one; HTTP, `ws` and the channel are the product's, the conversation is not there.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      channel: { type: 'string', default: 'twilio' },
      calls: { type: 'string', default: '300' },
      seconds: { type: 'string', default: '10' },
    },
  });
  const calls = Number(values.calls);
  const isPinned = availableParallelism() > 1 && canRun('taskset', ['-c', '1']);
  const isFifo = canRun('chrt', ['-f', String(FIFO)]);
  const media = startChild('ws-media.ts', {
    args: [values.channel],
    core: isPinned ? 0 : null,
    flags: ['--max-semi-space-size=2'],
  });
  const { where, idle } = await nextMessage<{ where: string; idle: SocketReading }>(media);
  const read = () => {
    const reading = nextMessage<SocketReading>(media);
    media.send('read');
    return reading;
  };
  const load = startChild('ws-load.ts', {
    args: [where, values.channel, values.calls, values.seconds],
    core: isPinned ? availableParallelism() - 1 : null,
  });
  await nextMessage(load);
  if (isFifo) for (const child of [media, load]) makeFifo(child, FIFO);
  await wait(SETTLE_MS);
  const begin = await read();
  const measured = nextMessage<SocketLoadReport>(load);
  load.send('measure');
  const carriers = await measured;
  const end = await read();
  load.send('hang up');
  await wait(1_500);
  const after = await read();
  load.send('stop');
  media.send('stop');
  const pairs = (calls * FRAMES_A_SECOND * (end.atMs - begin.atMs)) / 1000;
  const cpuUsPerPair = (end.cpuUs - begin.cpuUs) / pairs;
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    channel: values.channel,
    calls,
    isPinned,
    isFifo,
    live: begin.live,
    cpuUsPerPair: round(cpuUsPerPair),
    callsPerCore: Math.floor(1_000_000 / FRAMES_A_SECOND / cpuUsPerPair),
    cpuPercent: round((end.cpuUs - begin.cpuUs) / (end.atMs - begin.atMs) / 10),
    heapKbPerCall: round((end.heapBytes - idle.heapBytes) / 1024 / calls),
    buffersKbPerCall: round((end.bufferBytes - idle.bufferBytes) / 1024 / calls),
    memoryKbPerCall: round((end.rssBytes - idle.rssBytes) / 1024 / calls),
    carriers,
    playedShare: round((carriers.playedMs / (calls * Number(values.seconds) * 1000)) * 100),
    after: { live: after.live, fds: after.fds - idle.fds },
  };
}
