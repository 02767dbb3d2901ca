import { readdirSync } from 'node:fs';
import type { ReplyId } from '@assistant/server/core/ids';
import type { MediaTransport } from '@assistant/server/core/ports/media-transport';
import type { MediaCounters } from '@assistant/server/media/media-counters';
import { startMediaWorker } from '@assistant/server/media/media-worker';
import { clock, log, metrics } from './quiet-ports.ts';

/** What the media process says of itself when asked. */
export type MediaReading = {
  readonly atMs: number;
  readonly cpuUs: number;
  readonly workerCpuUs: number;
  readonly rssBytes: number;
  readonly fds: number;
  readonly counters: MediaCounters;
  /** Samples of caller audio that reached main. */
  readonly heard: number;
};

const REPLY = 1 as ReplyId;
const tone = Int16Array.from({ length: 16_000 }, (_, index) => Math.round(8000 * Math.sin(index / 8)));

/** Speaks without end and hears everything: a conversation at its dearest. */
function converse(media: MediaTransport): void {
  const speak = () => void media.play({ samples: tone, sampleRate: 8000 }, REPLY);
  media.listen({
    audio: (view) => {
      heard += view.length;
    },
    digit: () => {},
    played: () => {},
    cleared: () => {},
    writable: speak,
    held: () => {},
    closed: () => {},
  });
  speak();
}

let heard = 0;
const worker = startMediaWorker({ log, metrics, clock });
const listener = await worker.listenAudioSocket({
  host: '127.0.0.1',
  port: 0,
  onArrival: ({ media }) => converse(media),
});

function read(): MediaReading {
  const { user, system } = process.cpuUsage();
  const main = process.threadCpuUsage();
  return {
    atMs: performance.now(),
    cpuUs: user + system,
    workerCpuUs: user + system - main.user - main.system,
    rssBytes: process.memoryUsage.rss(),
    fds: readdirSync('/proc/self/fd').length,
    counters: worker.counters(),
    heard,
  };
}

process.on('message', async (message) => {
  if (message === 'read') process.send?.(read());
  if (message !== 'stop') return;
  await worker[Symbol.asyncDispose]();
  process.disconnect();
});
process.send?.({ port: listener.port });
