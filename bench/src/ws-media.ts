import { readdirSync } from 'node:fs';
import { createTwilio } from '@assistant/server/channels/twilio/twilio';
import { createVonage } from '@assistant/server/channels/vonage/vonage';
import { createHttpServer, type HttpServerParts } from '@assistant/server/http/http-server';
import { PrometheusMetrics } from '@assistant/server/observability/metrics';
import { converse } from './media-process.ts';
import { clock, log } from './quiet-ports.ts';

/** What the process that takes the calls says of itself when asked. */
export type SocketReading = {
  readonly atMs: number;
  readonly cpuUs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly bufferBytes: number;
  readonly fds: number;
  readonly live: number;
};

const metrics = new PrometheusMetrics();
const channels = [createTwilio({ clock, log, metrics }), createVonage({ clock, log, metrics })];
let live = 0;
const sampleRates = { twilio: 8_000, vonage: 16_000 } as const;
const sampleRate = sampleRates[process.argv[2] === 'vonage' ? 'vonage' : 'twilio'];

// NOTE: only phase 2 is called here, so the other use cases are not there.
const server = createHttpServer({
  config: { host: '127.0.0.1', port: 0, tls: null },
  useCases: { checkContext: async () => {} } as unknown as HttpServerParts['useCases'],
  management: {} as HttpServerParts['management'],
  control: {
    attachMedia: async ({ media }) => {
      live++;
      converse(media, { sampleRate, closed: () => live-- });
    },
    endCall: async () => {},
  },
  channels,
  clock,
  log,
  metrics,
});

function read(): SocketReading {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    atMs: performance.now(),
    cpuUs: user + system,
    rssBytes: rss,
    heapBytes: heapUsed,
    bufferBytes: arrayBuffers,
    fds: readdirSync('/proc/self/fd').length,
    live,
  };
}

process.on('message', async (message) => {
  if (message === 'read') process.send?.(read());
  if (message !== 'stop') return;
  await server.close();
  process.exit(0);
});
const { port } = await server.listen();
process.send?.({ where: String(port), idle: read() });
