import { createSocket } from 'node:dgram';
import http from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { Config } from '../../config/config.ts';
import { portsCheck } from './ports.ts';

const OURS = '0123456789abcdef';
const HOST = '127.0.0.1';

type Ports = { readonly http?: number; readonly audioSocket?: number; readonly sip?: number };

function configOf({
  http: httpPort = 0,
  audioSocket = 0,
  sip = 0,
}: Ports): Pick<Config, 'http' | 'audioSocket' | 'sip'> {
  return {
    http: { host: HOST, port: httpPort, tls: null, trustedProxies: [] },
    audioSocket: { host: HOST, port: audioSocket, publicHost: null },
    sip: {
      host: HOST,
      port: sip,
      tls: null,
      externalIp: null,
      localNets: [],
      rtpPorts: { start: 42_000, end: 42_001 },
    },
  };
}

async function findings(ports: Ports, id: string | null = OURS) {
  const check = portsCheck(configOf(ports), async () => id);
  return [await check.run(AbortSignal.timeout(10_000))].flat();
}

async function listening(server: ReturnType<typeof createServer> | http.Server) {
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

const ours = (installation: string) =>
  http.createServer((_request, response) => {
    response.writeHead(200, { 'x-installation': installation, connection: 'close' });
    response.end();
  });

test('a port that is free is free', async () => {
  const gone = await listening(createServer());
  await gone[Symbol.asyncDispose]();

  const [, audioSocket] = await findings({ audioSocket: gone.port });

  expect(audioSocket).toEqual({ status: 'ok', text: `AudioSocket, 127.0.0.1:${gone.port} tcp: free` });
});

test('a port another program has is a fail that names the setting, TCP and UDP each', async () => {
  await using taken = await listening(createServer());
  const udp = createSocket('udp4');
  await new Promise<void>((resolve) => udp.bind(0, HOST, resolve));
  const { port } = udp.address();

  const [, audioSocket] = await findings({ audioSocket: taken.port });
  const [, , sip] = await findings({ sip: port });
  udp.close();

  expect(audioSocket).toEqual({
    status: 'fail',
    text: `AudioSocket, 127.0.0.1:${taken.port} tcp: another program has it`,
    advice: 'stop what uses it, or set AUDIOSOCKET__PORT',
  });
  expect(sip).toMatchObject({ status: 'fail', text: `SIP, 127.0.0.1:${port} udp: another program has it` });
});

test('ports held while our own server answers are fine; a stranger on the HTTP port is not', async () => {
  await using own = await listening(ours(OURS));
  await using stranger = await listening(ours('fedcba9876543210'));
  await using audio = await listening(createServer());

  const beside = await findings({ http: own.port, audioSocket: audio.port });
  const [foreign] = await findings({ http: stranger.port });
  const [early] = await findings({ http: own.port }, null);

  expect(beside.slice(0, 2).map(({ status, text }) => [status, text.replace(/\d{4,5}/, 'N')])).toEqual([
    ['ok', 'HTTP, 127.0.0.1:N tcp: held by the server that runs'],
    ['ok', 'AudioSocket, 127.0.0.1:N tcp: held by the server that runs'],
  ]);
  expect([foreign?.status, early?.status]).toEqual(['fail', 'fail']);
});
