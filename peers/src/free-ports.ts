import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

const HOST = '127.0.0.1';
/** Below Linux's ephemeral ports (32768), so nobody is given one of the block meanwhile. */
const BLOCK_START = 20_000;
const BLOCK_END = 32_000;

/** TCP ports that were free a moment ago, all different. */
export async function freeTcpPorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) {
    server.listen(0, HOST);
    await once(server, 'listening');
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}

/** A UDP port that was free a moment ago. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** A port that was free for UDP and TCP a moment ago, out of the way of connections that others make. */
export async function freeSipPort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = BLOCK_START + Math.floor(Math.random() * (BLOCK_END - BLOCK_START));
    if ((await isFree(port)) && (await isFreeTcp(port))) return port;
  }
  throw new Error(`no port free for UDP and TCP between ${BLOCK_START} and ${BLOCK_END}`);
}

/** The first port of a block of UDP ports whose first and last are free; by chance, so that two runs hardly meet. */
export async function freeUdpBlock(size: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const start = BLOCK_START + 2 * Math.floor(Math.random() * ((BLOCK_END - BLOCK_START - size) / 2));
    if ((await isFree(start)) && (await isFree(start + size - 1))) return start;
  }
  throw new Error(`no block of ${size} free UDP ports between ${BLOCK_START} and ${BLOCK_END}`);
}

async function isFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const bound = once(socket, 'listening').then(
    () => true,
    () => false,
  );
  socket.bind(port, HOST);
  const isBound = await bound;
  socket.close();
  return isBound;
}

async function isFreeTcp(port: number): Promise<boolean> {
  const server = createServer();
  const bound = once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.listen(port, HOST);
  const isBound = await bound;
  server.close();
  return isBound;
}
