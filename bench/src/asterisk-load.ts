import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { startAsterisk } from '@assistant/peers/asterisk/asterisk';
import { makeCallLoad } from '@assistant/peers/asterisk/call-load';
import { startServer } from '@assistant/peers/server/server-under-test';
import { testAssistant } from '@assistant/peers/server/test-assistant';
import { hundredth, percentiles } from './percentiles.ts';

/** Numbers of the dialplan in peers/asterisk/etc. */
const TRANSPORTS: Readonly<Record<string, string>> = {
  audiosocket: '1001',
  'audiosocket-dial': '4001',
  websocket: '2001',
};
const WARM_UP = { rate: 2, seconds: 3, talkSeconds: 2 };

/**
 * Short calls at a steady rate through a real Asterisk: callers are its own Local channels, which send sound for some seconds
 * and hang up. Every call is looked up in the records afterwards, and what is left open is counted on both sides. Options:
 * --rate 10 --seconds 60 --talk 3 --transports audiosocket,websocket (and audiosocket-dial).
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rate: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '60' },
      talk: { type: 'string', default: '3' },
      transports: { type: 'string', default: 'audiosocket,websocket' },
    },
  });
  const load = { rate: Number(values.rate), seconds: Number(values.seconds), talkSeconds: Number(values.talk) };
  await using server = await startServer({ settings: testAssistant(), env: { LOG_LEVEL: 'error' } });
  await using asterisk = await startAsterisk({
    http: server.http,
    audioSocket: server.audioSocket,
    assistantId: server.assistantId,
    apiKey: server.apiKey,
  });
  const results: [string, object][] = [];
  for (const name of values.transports.split(',')) {
    const number = TRANSPORTS[name];
    if (number === undefined) throw new Error(`--transports ${name}: there are ${Object.keys(TRANSPORTS).join(', ')}`);
    await makeCallLoad(server, asterisk, { number, ...WARM_UP });
    const cpuMs = server.cpuMs();
    const { answeredMs, ...outcome } = await makeCallLoad(server, asterisk, { number, ...load });
    results.push([
      name,
      {
        ...outcome,
        answeredMs: percentiles(Float64Array.from(answeredMs)),
        serverCpuMsPerCall: hundredth((server.cpuMs() - cpuMs) / outcome.placed),
        asteriskMemoryMb: residentMb(asterisk.pid),
        serverMemoryMb: residentMb(server.pid),
        loadAverageAfter: loadavg().map(hundredth),
      },
    ]);
  }
  return { load, ...Object.fromEntries(results) };
}

function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return Math.round(Number(kb) / 1024);
}
