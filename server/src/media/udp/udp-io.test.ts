import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { wait } from '../../../test/contracts/audiosocket-worker-harness.ts';
import { SeededRandom } from '../../../test/fakes/seeded-random.ts';
import { openLibc } from '../../native/libc.ts';
import { NativeUdp } from './native-udp.ts';
import { nodeUdp } from './node-udp.ts';
import { closeLeftOpen, createOpenSocketsMemory } from './open-sockets.ts';
import { openUdpIo } from './open-udp-io.ts';
import type { UdpIo, UdpPair } from './udp-io.ts';

/** Where these tests look for pairs; below what the system gives to others. */
const PORTS = { from: 26_000, to: 27_900 };

const left: (() => void)[] = [];
let nextPort = PORTS.from + 2 * Math.floor((Math.random() * (PORTS.to - PORTS.from)) / 2);

afterEach(() => {
  for (const close of left.splice(0).reverse()) close();
});

function native(): NativeUdp {
  const io = new NativeUdp(openLibc(), createOpenSocketsMemory());
  left.push(() => io[Symbol.dispose]());
  return io;
}

class Bound {
  readonly rtp: string[] = [];
  readonly rtcp: string[] = [];
  errors = 0;
  isClosed = false;
  readonly pair: UdpPair;
  readonly port: number;

  constructor(pair: UdpPair, port: number) {
    this.pair = pair;
    this.port = port;
    const line = (bytes: Uint8Array, address: string, from: number) => `${Buffer.from(bytes)} ${address}:${from}`;
    pair.listen({
      rtp: (...packet) => this.rtp.push(line(...packet)),
      rtcp: (...packet) => this.rtcp.push(line(...packet)),
      socketError: () => {
        this.errors++;
      },
      closed: () => {
        this.isClosed = true;
      },
    });
    left.push(() => pair.close());
  }
}

async function bound(io: UdpIo, host = '127.0.0.1'): Promise<Bound> {
  for (;;) {
    nextPort = nextPort >= PORTS.to ? PORTS.from : nextPort + 2;
    const pair = await io.bindPair(host, nextPort);
    if (typeof pair !== 'string') return new Bound(pair, nextPort);
    if (pair !== 'EADDRINUSE') throw new Error(pair);
  }
}

async function peer(host = '127.0.0.1'): Promise<{ socket: Socket; port: number; heard: string[] }> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const heard: string[] = [];
  socket.on('message', (bytes) => heard.push(bytes.toString()));
  socket.on('error', () => {});
  socket.bind(0, host);
  await once(socket, 'listening');
  left.push(() => socket.close());
  return { socket, heard, port: (socket.address() as AddressInfo).port };
}

/** Reads until it is so; the suite's own time limit ends it otherwise. */
async function until(io: UdpIo, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    io.read();
    await wait(1);
  }
}

describe.each([
  ['node', () => nodeUdp as UdpIo],
  ['native', native],
])('a pair of ports by %s', (_kind, open) => {
  test('hears both ports, each packet whole, with where it came from', async () => {
    const io = open();
    const ours = await bound(io);
    const [first, second] = [await peer(), await peer()];

    first.socket.send('one', ours.port, '127.0.0.1');
    await until(io, () => ours.rtp.length === 1);
    second.socket.send('a longer one', ours.port, '127.0.0.1');
    await until(io, () => ours.rtp.length === 2);
    first.socket.send('x', ours.port, '127.0.0.1');
    second.socket.send('report', ours.port + 1, '127.0.0.1');
    await until(io, () => ours.rtp.length === 3 && ours.rtcp.length === 1);

    expect(ours.rtp).toEqual([
      `one 127.0.0.1:${first.port}`,
      `a longer one 127.0.0.1:${second.port}`,
      `x 127.0.0.1:${first.port}`,
    ]);
    expect(ours.rtcp).toEqual([`report 127.0.0.1:${second.port}`]);
  });

  test('what comes in a burst comes in its order', async () => {
    const io = open();
    const ours = await bound(io);
    const { socket } = await peer();

    for (let number = 0; number < 20; number++) socket.send(`${number}`, ours.port, '127.0.0.1');
    await until(io, () => ours.rtp.length === 20);

    expect(ours.rtp.map((line) => Number(line.split(' ')[0]))).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });

  test('sends where it aims, reports on their own port or with the audio', async () => {
    const io = open();
    const ours = await bound(io);
    const [audio, reports] = [await peer(), await peer()];
    const rtp = { address: '127.0.0.1', port: audio.port };
    const rtcp = { address: '127.0.0.1', port: reports.port };

    expect(ours.pair.sendRtp(Buffer.from('nowhere yet'))).toBe(true);
    ours.pair.aim({ rtp, rtcp, hasRtcpMux: false });
    ours.pair.sendRtp(Buffer.from('audio'));
    ours.pair.sendRtcp(Buffer.from('report'));
    ours.pair.lock();
    ours.pair.sendRtp(Buffer.from('locked'));
    ours.pair.sendRtcp(Buffer.from('report, locked'));
    ours.pair.aim({ rtp, rtcp, hasRtcpMux: true });
    ours.pair.sendRtcp(Buffer.from('muxed'));
    await until(io, () => audio.heard.length === 3 && reports.heard.length === 2);

    expect(audio.heard).toEqual(['audio', 'locked', 'muxed']);
    expect(reports.heard).toEqual(['report', 'report, locked']);
  });

  test('locked, it lets nobody else in; unlocked, it does', async () => {
    const io = open();
    const ours = await bound(io);
    const [friend, stranger] = [await peer(), await peer()];
    ours.pair.aim({ rtp: { address: '127.0.0.1', port: friend.port }, rtcp: null, hasRtcpMux: false });

    ours.pair.lock();
    stranger.socket.send('let me in', ours.port, '127.0.0.1');
    friend.socket.send('hello', ours.port, '127.0.0.1');
    await until(io, () => ours.rtp.length === 1);
    ours.pair.unlock();
    stranger.socket.send('and now', ours.port, '127.0.0.1');
    await until(io, () => ours.rtp.length === 2);

    expect(ours.rtp).toEqual([`hello 127.0.0.1:${friend.port}`, `and now 127.0.0.1:${stranger.port}`]);
  });

  test('nobody listens over there: it is told and nothing breaks', async () => {
    const io = open();
    const ours = await bound(io);
    const gone = await peer();
    ours.pair.aim({ rtp: { address: '127.0.0.1', port: gone.port }, rtcp: null, hasRtcpMux: false });
    ours.pair.lock();
    left.pop();
    gone.socket.close();
    await once(gone.socket, 'close');

    await until(io, () => {
      ours.pair.sendRtp(Buffer.from('hello?'));
      return ours.errors > 1;
    });

    expect(ours.isClosed).toBe(false);
  });

  test.each(['::', '::1'])('bound to %s, it names IPv6 peers, and IPv4 ones as they are', async (host) => {
    const io = open();
    const ours = await bound(io, host);
    const six = await peer('::1');
    const four = host === '::' ? await peer() : six;

    six.socket.send('six', ours.port, '::1');
    await until(io, () => ours.rtp.length === 1);
    four.socket.send('again', ours.port, host === '::' ? '127.0.0.1' : '::1');
    await until(io, () => ours.rtp.length === 2);
    ours.pair.aim({
      rtp: { address: host === '::' ? '127.0.0.1' : '::1', port: four.port },
      rtcp: null,
      hasRtcpMux: false,
    });
    ours.pair.sendRtp(Buffer.from('back'));
    await until(io, () => four.heard.length === 1);

    expect(ours.rtp).toEqual([
      `six ::1:${six.port}`,
      host === '::' ? `again 127.0.0.1:${four.port}` : `again ::1:${six.port}`,
    ]);
  });

  test.each([
    { address: 'no address', port: 4000 },
    { address: '::1', port: 4000 },
    { address: '127.0.0.1', port: 0 },
    { address: '127.0.0.1', port: 70_000 },
  ])('cannot send to $address:$port: nothing is sent, nothing thrown', async (target) => {
    const io = open();
    const ours = await bound(io);

    ours.pair.aim({ rtp: target, rtcp: target, hasRtcpMux: false });
    ours.pair.lock();

    expect(ours.pair.sendRtp(Buffer.from('x'))).toBe(true);
    ours.pair.sendRtcp(Buffer.from('x'));
    expect(ours.errors).toBe(0);
  });

  test('is closed once, and its ports are free', async () => {
    const io = open();
    const ours = await bound(io);
    ours.pair.close();
    ours.pair.close();
    expect(ours.isClosed).toBe(false);
    await until(io, () => ours.isClosed);

    const again = await io.bindPair('127.0.0.1', ours.port);

    expect(again).toBeTypeOf('object');
    if (typeof again !== 'string') left.push(() => new Bound(again, ours.port).pair.close());
    expect(ours.pair.sendRtp(Buffer.from('too late'))).toBe(true);
  });

  test('a port that is taken, an address of another machine and a name of nobody are told by their code', async () => {
    const io = open();
    const ours = await bound(io);
    const { port: taken } = await peer();

    expect(await io.bindPair('127.0.0.1', ours.port)).toBe('EADDRINUSE');
    expect(await io.bindPair('127.0.0.1', taken - 1)).toBe('EADDRINUSE');
    expect(await io.bindPair('192.0.2.1', ours.port)).toBe('EADDRNOTAVAIL');
    expect(await io.bindPair('nobody.invalid', ours.port)).toBe('ENOTFOUND');
  });
});

describe('the native one', () => {
  test('is polled while anything is open, and not before or after', async () => {
    const io = native();
    expect(io.isPolled).toBe(false);
    const ours = await bound(io);
    expect(io.isPolled).toBe(true);
    ours.pair.close();
    expect(io.isPolled).toBe(false);
  });

  test('leaves out what is longer than any packet of a call', async () => {
    const io = native();
    const ours = await bound(io);
    const { socket } = await peer();

    socket.send(Buffer.alloc(2049), ours.port, '127.0.0.1');
    socket.send('short', ours.port, '127.0.0.1');
    await until(io, () => ours.rtp.length > 0);

    expect(ours.rtp).toEqual([expect.stringContaining('short ')]);
  });

  test('what a thread that died has left open is closed', async () => {
    const memory = createOpenSocketsMemory();
    const io = new NativeUdp(openLibc(), memory);
    const { port } = await bound(io);
    left.pop();

    // Two sockets and the epoll that watches them.
    expect(closeLeftOpen(memory, openLibc)).toBe(3);
    expect(closeLeftOpen(memory, openLibc)).toBe(0);

    const other = native();
    const again = await other.bindPair('127.0.0.1', port);
    expect(again).toBeTypeOf('object');
    if (typeof again !== 'string') again.close();
  });

  test('is chosen where its proof works; asked for the other, it is not tried', async () => {
    const random = new SeededRandom(7);
    const start = { below: (limit: number) => random.below(limit), openSockets: createOpenSocketsMemory() };
    const [auto, other] = [await openUdpIo('auto', start), await openUdpIo('node', start)];
    left.push(() => auto.io[Symbol.dispose]());

    expect([auto.io.kind, auto.objection, auto.io.isPolled]).toEqual(['native', null, false]);
    expect([other.io.kind, other.objection]).toEqual(['node', null]);
  });

  test('whose proof finds no ports is not used, the reason is told, and nothing stays open', async () => {
    const taken = await bound(nodeUdp);
    const openSockets = createOpenSocketsMemory();
    const below = () => (taken.port - 20_000) / 2;

    const { io, objection } = await openUdpIo('native', { below, openSockets });

    expect(io.kind).toBe('node');
    expect(objection).toBe('its proof found no ports (EADDRINUSE)');
    expect(openSockets.every((word) => word === 0)).toBe(true);
  });
});
