import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type AdoptedUpgrades, adoptUpgrades } from './adopt-upgrades.ts';
import { FrameOutbox, LONGEST_BYTES } from './frame-outbox.ts';
import { UpgradedSocket } from './upgraded-socket.ts';

let server: Server;
let port: number;
/** What came by the straight way, and what `ws` told. */
let straight: string[];
let byWs: string[];
let closes: string[];
let adopted: AdoptedUpgrades;
let arrived: (connection: UpgradedSocket) => void;

async function listen(poll: boolean): Promise<void> {
  [straight, byWs, closes, arrived] = [[], [], [], () => undefined];
  // Those of this test: a socket of an earlier one may end late.
  const ends = closes;
  server = createServer();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1_000 });
  const refused = (reason: string) => {
    throw new Error(reason);
  };
  adopted = adoptUpgrades(server, { messageBytes: 1_000, poll, refused });
  adopted.upgrades.on('upgrade', (request: IncomingMessage, connection: Socket, head: Buffer) => {
    sockets.handleUpgrade(request, connection, head, (socket) => {
      socket.on('error', () => undefined);
      socket.on('message', (data) => byWs.push(String(data)));
      socket.on('close', (code, reason) => ends.push(`${code} ${reason}`));
      if (!(connection instanceof UpgradedSocket)) throw new Error('the socket was left as it was');
      connection.listen((payload) => void straight.push(payload.toString()));
      arrived(connection);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
}
afterEach(() => {
  adopted[Symbol.dispose]();
  server.close();
});

/** By the system's own calls there where they are promised to work. */
const WAYS: [string, boolean][] = [['Node', false]];
if (process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)) WAYS.push(['the system', true]);

const REQUEST =
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const unmasked = (opcode: number, text: string) =>
  Buffer.concat([Buffer.from([opcode, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text, 'latin1')]);

async function open(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  await once(socket, 'open');
  return socket;
}

/** Writes bytes on a connection of its own and waits until the server has told its end. */
async function sendRaw(...pieces: (string | Buffer)[]): Promise<void> {
  const socket = connect(port, '127.0.0.1').resume();
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise(setImmediate);
  }
  await once(socket, 'close');
  while (closes.length === 0) await new Promise(setImmediate);
}

describe.each(WAYS)('a socket that %s reads', (_who, poll) => {
  beforeEach(() => listen(poll));

  test('messages come straight; pings are answered; the close comes with its code', async () => {
    const socket = await open();

    socket.send('one');
    socket.ping('there?');
    const [answer] = await once(socket, 'pong');
    socket.send('two');
    socket.close(4001, 'enough');
    await once(socket, 'close');

    expect(String(answer)).toBe('there?');
    expect([straight, byWs, closes]).toEqual([['one', 'two'], [], ['4001 enough']]);
  });

  test('from its first fragment on a peer is left to ws, and no message is lost', async () => {
    const socket = await open();

    socket.send('one');
    socket.send('tw', { fin: false });
    socket.send('o');
    socket.send('three');
    socket.close();
    await once(socket, 'close');

    expect([straight, byWs]).toEqual([['one'], ['two', 'three']]);
  });

  test('what came with the handshake is the first message, also where it came in part', async () => {
    const [first, second] = [unmasked(0x81, 'one'), unmasked(0x81, 'two')];

    await sendRaw(
      Buffer.concat([Buffer.from(REQUEST), first, second.subarray(0, 4)]),
      second.subarray(4),
      unmasked(0x88, '\x03\xe8'),
    );

    expect([byWs.concat(straight), closes]).toEqual([['one', 'two'], ['1000 ']]);
  });

  test.each([
    ['text that is no UTF-8', unmasked(0x81, '\xff'), '1007 '],
    ['a message over the limit', Buffer.concat([Buffer.from([0x82, 0xfe, 3, 0xe9]), Buffer.alloc(1_005)]), '1009 '],
    ['a frame without a mask', Buffer.from([0x81, 1, 0x68, 0, 0, 0, 0]), '1002 '],
  ])('%s ends the socket as ws ends it', async (_what, bytes, code) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(REQUEST);
    await once(socket, 'data');
    const answered = once(socket, 'data');
    socket.write(Buffer.concat([unmasked(0x81, 'fine'), bytes]));
    const [close] = (await answered) as [Buffer];
    socket.destroy();

    expect(straight).toEqual(['fine']);
    expect(close.readUInt16BE(2)).toBe(Number(code.trim()));
  });

  test('nothing is told after the close, and the server counts the connection no longer', async () => {
    const gone = new Promise<UpgradedSocket>((resolve) => {
      arrived = (connection) => void connection.once('close', () => resolve(connection));
    });
    const socket = await open();

    socket.terminate();
    const connection = await gone;
    connection.arrived(unmasked(0x81, 'late'));
    while ((await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))) !== 0);

    expect([straight, byWs, closes]).toEqual([[], [], ['1006 ']]);
  });

  test('once it is disposed what is left of its sockets is of Node again', async () => {
    const socket = await open();
    socket.send('one');
    while (straight.length < 1) await new Promise(setImmediate);

    adopted[Symbol.dispose]();
    socket.send('two');
    socket.close(4001, 'enough');
    await once(socket, 'close');

    expect([straight, closes]).toEqual([['one', 'two'], ['4001 enough']]);
  });

  test('a peer that does not read gets every byte as it was when it reads again', async () => {
    const outbox = new FrameOutbox();
    const total = 400;
    const here = new Promise<UpgradedSocket>((resolve) => (arrived = resolve));
    const peer = connect(port, '127.0.0.1');
    peer.write(REQUEST);
    const connection = await here;
    await once(peer, 'data');
    peer.pause();

    for (let count = 0; count < total; count++) {
      outbox.add(connection, Buffer.alloc(LONGEST_BYTES, count), true);
      await new Promise(setImmediate);
    }
    expect(connection.writableLength).toBeGreaterThan(0);
    const pieces: Buffer[] = [];
    let length = 0;
    const whole = new Promise<void>((resolve) => {
      peer.on('data', (piece) => {
        pieces.push(piece as Buffer);
        length += piece.length;
        if (length === total * (LONGEST_BYTES + 4)) resolve();
      });
    });
    peer.resume();
    await whole;
    peer.destroy();

    const stream = Buffer.concat(pieces);
    const wrong = Array.from({ length: total }, (_, count) => count).filter((count) => {
      const at = count * (LONGEST_BYTES + 4);
      return !stream.subarray(at + 4, at + 4 + LONGEST_BYTES).equals(Buffer.alloc(LONGEST_BYTES, count));
    });
    expect(wrong).toEqual([]);
  });
});
