import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { FakeClock, settle } from '../../test/fakes/fake-clock.ts';
import { CONTEXT_ID, type HttpWorld, httpWorld } from '../../test/http/http-world.ts';
import { sendRaw } from '../../test/http/raw-http.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { SocketArrival } from '../core/ports/media-socket.ts';
import { isMediaAddress } from './media-routes.ts';

const told: string[] = [];
const arrivals: SocketArrival[] = [];

/** Says back what it hears, text as text and bytes as bytes. */
const echo: Channel = {
  name: 'asterisk',
  socket: (arrival) => {
    arrivals.push(arrival);
    const { socket } = arrival;
    if (arrival.rawTarget.endsWith('broken')) throw new Error('a channel fails');
    socket.listen({
      text: (message) => {
        const text = Buffer.from(message).toString();
        if (text === 'bye') socket.close(4000, `so long ${'.'.repeat(200)}`);
        else socket.sendText(text);
      },
      binary: (message) => socket.sendBinary(message),
      closed: (code, reason) => {
        told.push(`${code} ${reason}`);
        socket.sendText('nobody there');
        socket.close(1000, '');
      },
    });
  },
};
const deaf: Channel = { name: 'twilio', webhook: {} as NonNullable<Channel['webhook']> };

let world: HttpWorld;
beforeAll(async () => {
  world = await httpWorld({ channels: [echo, deaf] });
});
afterAll(() => world[Symbol.asyncDispose]());

const UPGRADE =
  'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const raw = (path: string, headers = UPGRADE) => sendRaw(world.port, `GET ${path} HTTP/1.1\r\n${headers}\r\n`);
const ctx = (id: string, provider = 'asterisk') => `/v1/talk/${provider}/ctx/${id}`;
const withDigit = (digit: string) => digit + CONTEXT_ID.slice(1);

describe('before the handshake', () => {
  test.each([
    ['an unknown context', ctx(withDigit('4')), UPGRADE, 404, 'context_not_found'],
    ['an id that is none', ctx('abc'), UPGRADE, 404, 'context_not_found'],
    ['no id at all', '/v1/talk/asterisk/ctx', UPGRADE, 404, 'context_not_found'],
    ['an unknown provider', ctx(CONTEXT_ID, 'acme'), UPGRADE, 404, 'not_found'],
    ['one that is past its time', ctx(withDigit('e')), UPGRADE, 410, 'context_expired'],
    ['one that is taken', ctx(withDigit('c')), UPGRADE, 409, 'context_claimed'],
    ['an ordinary request', ctx(CONTEXT_ID), 'Host: a\r\n', 426, 'upgrade_required'],
    [
      'an upgrade to something else',
      ctx(CONTEXT_ID),
      'Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n',
      426,
      'upgrade_required',
    ],
    ['an old version', ctx(CONTEXT_ID), UPGRADE.replace('13', '8'), 426, 'upgrade_required'],
    ['a key that is none', ctx(CONTEXT_ID), UPGRADE.replace('dGhl', ''), 400, 'invalid_request'],
    ['a channel without audio here', ctx(CONTEXT_ID, 'twilio'), UPGRADE, 422, 'unsupported'],
  ])('%s', async (...[_what, path, headers, status, code]) => {
    const answer = await raw(path, headers);

    expect(JSON.parse(answer.body)).toMatchObject({ status, code });
    expect(answer.status).toBe(status);
  });

  test('what is needed is said: the protocol, its version', async () => {
    expect((await raw(ctx(CONTEXT_ID), 'Host: a\r\n')).headers['upgrade']).toBe('websocket');
    expect((await raw(ctx(CONTEXT_ID), UPGRADE.replace('13', '8'))).headers['sec-websocket-version']).toBe('13');
  });

  test('a database that hangs is answered within a second', async () => {
    const clock = new FakeClock();
    const checkContext = () => new Promise<void>(() => undefined);
    await using hanging = await httpWorld({ channels: [echo], clock, useCases: { checkContext } });
    const asked = sendRaw(hanging.port, `GET ${ctx(CONTEXT_ID)} HTTP/1.1\r\n${UPGRADE}\r\n`);
    while (clock.pendingTimers === 0) await settle();

    clock.advance(999);

    expect(JSON.parse((await asked).body)).toMatchObject({ status: 503, code: 'database_unavailable' });
  });

  test('an Upgrade on another address is an ordinary request', async () => {
    expect((await raw('/healthz')).body).toBe('{"status":"ok"}');
  });
});

describe('after the handshake', () => {
  const open = async (path: string, protocols: string[] = []) => {
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}${path}`, protocols);
    await once(socket, 'open');
    return socket;
  };

  test('the channel has the socket, the id and the address as it came', async () => {
    const socket = await open(`${ctx(CONTEXT_ID.toUpperCase())}?a=%31`);
    socket.send('hello');
    const [message, isBinary] = await once(socket, 'message');
    socket.send(Buffer.from([1, 2, 3]));
    const [bytes] = await once(socket, 'message');
    socket.terminate();

    expect([String(message), isBinary, [...(bytes as Buffer)]]).toEqual(['hello', false, [1, 2, 3]]);
    expect(arrivals.at(-1)).toMatchObject({
      contextId: CONTEXT_ID,
      rawTarget: `${ctx(CONTEXT_ID.toUpperCase())}?a=%31`,
    });
  });

  test.each(['contextId', 'ctx'])(
    "the id may stand in the query as %s, where Asterisk's driver puts it",
    async (name) => {
      const socket = await open(`/v1/talk/asterisk/ctx?${name}=${CONTEXT_ID}`);
      socket.terminate();

      expect(arrivals.at(-1)?.contextId).toBe(CONTEXT_ID);
    },
  );

  test('a channel whose streams name their call is handed sockets without an id; sixteen an address, then 503', async () => {
    let unnamed = 0;
    const patient: Channel = { name: 'asterisk', unnamedSocket: () => void unnamed++, socket: () => undefined };
    await using other = await httpWorld({ channels: [patient] });
    const url = `${other.url.replace('http', 'ws')}/v1/talk/asterisk/ctx`;
    const sockets = Array.from({ length: 16 }, () => new WebSocket(url));
    await Promise.all(sockets.map((socket) => once(socket, 'open')));

    const tooMany = await sendRaw(other.port, `GET /v1/talk/asterisk/ctx HTTP/1.1\r\n${UPGRADE}\r\n`);
    const unknown = await sendRaw(other.port, `GET ${ctx(withDigit('4'))} HTTP/1.1\r\n${UPGRADE}\r\n`);
    for (const socket of sockets) socket.terminate();

    expect(unnamed).toBe(16);
    expect(tooMany.status).toBe(503);
    expect(unknown.status).toBe(404);
  });

  test("Asterisk's sub-protocol is echoed, another one is not", async () => {
    const media = await open(ctx(CONTEXT_ID), ['media']);
    expect(media.protocol).toBe('media');
    media.terminate();

    const other = new WebSocket(`${world.url.replace('http', 'ws')}${ctx(CONTEXT_ID)}`, ['chat']);
    const [error] = await once(other, 'error');
    expect(String(error)).toContain('subprotocol');
  });

  test('closing is told once with code and reason, and later verbs do nothing', async () => {
    const socket = await open(ctx(CONTEXT_ID));

    socket.send('bye');
    const [code, reason] = await once(socket, 'close');
    // Sockets that earlier tests dropped may still be told about: only this one ends with 4000.
    const goodbyes = () => told.filter((line) => line.startsWith('4000 so long'));
    while (goodbyes().length === 0) await settle();
    await settle();

    expect([code, String(reason).slice(0, 10)]).toEqual([4000, 'so long ..']);
    expect(goodbyes()).toHaveLength(1);
  });

  test('a message over 64 KiB ends the socket with 1009', async () => {
    const socket = await open(ctx(CONTEXT_ID));

    socket.send('a'.repeat(65_537));
    const [code] = await once(socket, 'close');

    expect(code).toBe(1009);
  });

  test('a channel that fails ends its socket with 1011, and the server lives on', async () => {
    const socket = await open(`${ctx(CONTEXT_ID)}?broken`);

    const [code] = await once(socket, 'close');

    expect(code).toBe(1011);
    expect(world.log.events).toContain('socket.failed');
    expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
  });

  test('a stopping server says goodbye with 1001', async () => {
    const stopping = await httpWorld({ channels: [echo] });
    const socket = new WebSocket(`${stopping.url.replace('http', 'ws')}${ctx(CONTEXT_ID)}`);
    await once(socket, 'open');

    const closed = once(socket, 'close');
    await stopping[Symbol.asyncDispose]();

    expect((await closed)[0]).toBe(1001);
  });
});

test.each([
  ['/v1/talk/asterisk/ctx/abc', true],
  ['/v1/talk/asterisk/ctx?ctx=abc', true],
  ['//v1/talk/asterisk/ctx/abc/', true],
  ['/v1/talk/asterisk/ctx/abc/event', false],
  ['/v1/talk/asterisk/call/1', false],
  ['/', false],
])('%s takes a WebSocket: %s', (url, isMedia) => {
  expect(isMediaAddress(url)).toBe(isMedia);
});
