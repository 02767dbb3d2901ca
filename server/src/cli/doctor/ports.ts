import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Config } from '../../config/config.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';
import { askReadiness } from './readiness.ts';

type Port = {
  readonly what: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** What to set for another one. */
  readonly setting: string;
};

/** RTP pairs tried of the range: one call takes one. */
const PAIRS_TRIED = 20;

/** Whether each port is free, or held by a server of this installation. @param installationId null: there is none yet. */
export function portsCheck(
  { http, audioSocket, sip }: Pick<Config, 'http' | 'audioSocket' | 'sip'>,
  installationId: () => Promise<string | null>,
): Check {
  const fixed: readonly Port[] = [
    { what: 'HTTP', ...http, protocol: 'tcp', setting: 'PORT' },
    { what: 'AudioSocket', ...audioSocket, protocol: 'tcp', setting: 'AUDIOSOCKET__PORT' },
    { what: 'SIP', ...sip, protocol: 'udp', setting: 'SIP__PORT' },
    { what: 'SIP', ...sip, protocol: 'tcp', setting: 'SIP__PORT' },
    ...(sip.tls
      ? [
          {
            what: 'SIP over TLS',
            host: sip.host,
            port: sip.tls.port,
            protocol: 'tcp',
            setting: 'SIP__TLS_PORT',
          } as const,
        ]
      : []),
  ];
  return {
    name: 'ports',
    run: async (signal) => {
      const isRunning = await isServerRunning(http, installationId, signal);
      const findings: Finding[] = [];
      for (const port of fixed) findings.push(await judge(port, isRunning));
      findings.push(await judgeRtp(sip));
      return findings;
    },
  };
}

async function judge({ what, host, port, protocol, setting }: Port, isRunning: boolean): Promise<Finding> {
  const name = `${what}, ${host}:${port} ${protocol}`;
  if (port === 0) return ok(`${what}, any free port`);
  const problem = await tryToBind(protocol, host, port);
  if (problem === null) return ok(`${name}: free`);
  if (problem === 'EADDRINUSE' && isRunning) return ok(`${name}: held by the server that runs`);
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program has it',
    EACCES: 'this user may not open it',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  return fail(`${name}: ${reasons[problem] ?? problem}`, `stop what uses it, or set ${setting}`);
}

async function judgeRtp({ host, rtpPorts }: Config['sip']): Promise<Finding> {
  const name = `RTP, ${rtpPorts.start}-${rtpPorts.end} udp`;
  const pairs = Math.floor((rtpPorts.end - rtpPorts.start + 1) / 2);
  const tried = Math.min(PAIRS_TRIED, pairs);
  let free = 0;
  for (let index = 0; index < tried; index++) {
    const port = rtpPorts.start + 2 * Math.floor((index * pairs) / tried);
    if ((await tryToBind('udp', host, port)) === null) free++;
  }
  if (free === tried) return ok(`${name}: free where tried (${tried} of ${pairs} pairs)`);
  const setting = 'SIP__RTP_PORT_RANGE_START and SIP__RTP_PORT_RANGE_END';
  if (free === 0) return fail(`${name}: none of ${tried} pairs tried is free`, `set ${setting}`);
  return warn(`${name}: ${tried - free} of ${tried} pairs tried are taken; they are stepped over`, `or set ${setting}`);
}

/** Null when it can be opened, else the code of the system's error. */
function tryToBind(protocol: 'tcp' | 'udp', host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const codeOf = (error: NodeJS.ErrnoException) => error.code ?? error.message;
    if (protocol === 'udp') {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.once('error', (error) => {
        socket.close();
        resolve(codeOf(error));
      });
      socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(null)));
      return;
    }
    const server = createServer();
    server.once('error', (error) => resolve(codeOf(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

async function isServerRunning(
  { host, port, tls }: Config['http'],
  installationId: () => Promise<string | null>,
  signal: AbortSignal,
): Promise<boolean> {
  const id = await installationId().catch(() => null);
  if (id === null || port === 0) return false;
  const local = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  const origin = `${tls ? 'https' : 'http'}://${local.includes(':') ? `[${local}]` : local}:${port}`;
  const answer = await askReadiness(origin, signal).catch(() => null);
  return answer?.installation === id;
}
