import { readdirSync } from 'node:fs';
import type { ReplyId } from '@assistant/server/core/ids';
import type { MediaTransport } from '@assistant/server/core/ports/media-transport';
import type { MediaCounters } from '@assistant/server/media/media-counters';
import type { MediaWorker } from '@assistant/server/media/media-worker';

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
let heard = 0;

export type ConverseOptions = { readonly sampleRate?: number; readonly closed?: () => void };

/** Speaks without end and hears everything: a conversation at its dearest. */
export function converse(media: MediaTransport, { sampleRate = 8000, closed = () => {} }: ConverseOptions = {}): void {
  const speak = () => {
    while (media.play({ samples: tone, sampleRate }, REPLY) === tone.length);
  };
  media.listen({
    audio: (view) => {
      heard += view.length;
    },
    digit: () => {},
    played: () => {},
    cleared: () => {},
    writable: speak,
    held: () => {},
    closed,
  });
  speak();
}

export type Serving = {
  /** Where calls are taken. */
  readonly where: string;
  /** Taken before the first call; now, unless given. */
  readonly idle?: MediaReading;
  /** Ends what the peers do not. */
  readonly hangUp?: () => Promise<void>;
};

/** Tells the bench that the process is ready, then answers its questions. */
export function serveBench(worker: MediaWorker, { where, idle = readProcess(worker), hangUp }: Serving): void {
  process.on('message', async (message) => {
    if (message === 'read') process.send?.(readProcess(worker));
    if (message === 'hang up') {
      await hangUp?.();
      process.send?.('hung up');
    }
    if (message !== 'stop') return;
    await worker[Symbol.asyncDispose]();
    process.disconnect();
  });
  process.send?.({ where, idle });
}

export function readProcess(worker: MediaWorker): MediaReading {
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
