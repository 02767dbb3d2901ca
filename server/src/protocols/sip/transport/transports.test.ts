import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../../../test/fakes/fake-clock.ts';
import { bodyText } from '../message/message.ts';
import type { ParseResult } from '../message/parse-message.ts';
import type { Flow, Transport } from './flow.ts';
import { openStreamTransport, type StreamOptions } from './stream-transport.ts';
import { TransportSet } from './transport-set.ts';
import { openUdpTransport } from './udp-transport.ts';

const LOOPBACK = { address: '127.0.0.1', port: 0 };
const text = (cseq: number, body = '') =>
  `MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK${cseq}\r\nFrom: <sip:c@d>;tag=1\r\nTo: <sip:a@b>\r\n` +
  `Call-ID: x\r\nCSeq: ${cseq} MESSAGE\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

describe('UDP', () => {
  test('a datagram arrives with the flow it came by, and the answer goes back to it', async () => {
    const a = await udp();
    const b = await udp();

    (await a.transport.flowTo(b.transport.local)).send(Buffer.from(text(1, 'ping')));
    const { flow } = await b.next();
    flow.send(Buffer.from(text(2, 'pong')));

    expect(bodyOf((await a.next()).result)).toBe('pong');
    expect(flow.remote).toEqual(a.transport.local);
  });

  test('an address already taken is an error at start', async () => {
    const a = await udp();

    await expect(openUdpTransport(a.transport.local, { message: () => {} })).rejects.toThrow('EADDRINUSE');
  });
});

describe('TCP', () => {
  test('requests of both sides share one connection (18.1.1)', async () => {
    const a = await tcp();
    const b = await tcp();

    const out = await a.transport.flowTo(b.transport.local);
    out.send(Buffer.from(text(1, 'hello')));
    const { flow } = await b.next();

    expect(await a.transport.flowTo(b.transport.local)).toBe(out);
    expect(await b.transport.flowTo(flow.remote)).toBe(flow);
    flow.send(Buffer.from(text(2, 'back')));
    expect(bodyOf((await a.next()).result)).toBe('back');
  });

  test('two openings at once make one connection', async () => {
    const a = await tcp();
    const b = await tcp();

    const [one, two] = await Promise.all([
      a.transport.flowTo(b.transport.local),
      a.transport.flowTo(b.transport.local),
    ]);

    expect(one).toBe(two);
  });

  test('a ping is answered with one CRLF (RFC 5626)', async () => {
    const a = await tcp();

    const socket = await raw(a.transport);
    socket.write('\r\n\r\n');

    expect((await once(socket, 'data')).toString()).toBe('\r\n');
  });

  test('a sender that begins a message and stalls is closed after 10 s', async () => {
    const clock = new FakeClock();
    const a = await tcp({ clock });
    const socket = await raw(a.transport);
    socket.write(text(1));
    await a.next();
    socket.write(text(2).slice(0, 40));
    await until(() => clock.pendingTimers === 2);

    clock.advance(9_999);
    expect(a.errors).toEqual([]);
    clock.advance(1);

    await once(socket, 'close');
    expect(a.errors).toEqual(['connection closed: a message took over 10 s']);
  });

  test('a peer that floods is closed at 2000 messages a second', async () => {
    const a = await tcp();
    const socket = await raw(a.transport);
    socket.on('error', () => {});

    socket.write(text(1).repeat(2001));

    await once(socket, 'close');
    expect(a.received).toBe(2000);
    expect(a.errors[0]).toBe('connection closed: over 2000 messages a second');
  });

  test('an idle connection is closed after ten minutes', async () => {
    const clock = new FakeClock();
    const a = await tcp({ clock });
    const socket = await raw(a.transport);
    await until(() => clock.pendingTimers === 1);

    clock.advance(600_000);

    await once(socket, 'close');
    expect(clock.pendingTimers).toBe(0);
  });

  test('a target that refuses is an error, not a hang', async () => {
    const a = await tcp();
    const b = await tcp();
    const gone = b.transport.local;
    await b.transport[Symbol.asyncDispose]();

    await expect(a.transport.flowTo(gone)).rejects.toThrow('ECONNREFUSED');
  });
});

test('TLS: a message goes through an encrypted connection', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sip-tls-'));
  try {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...newKey, '-keyout', keyFile, '-out', certFile, ...subject], {
      stdio: 'ignore',
    });
    const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(certFile) };
    const a = await tcp({ tls: pair });
    const b = await tcp({ tls: pair });

    (await a.transport.flowTo(b.transport.local)).send(Buffer.from(text(1, 'secret')));

    const { result, flow } = await b.next();
    expect([bodyOf(result), flow.protocol]).toEqual(['secret', 'TLS']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('TLS: whoever is connected has to be who was asked for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sip-tls-'));
  try {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=trunk.example', '-addext', 'subjectAltName=DNS:trunk.example', '-days', '2'];
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...newKey, '-keyout', keyFile, '-out', certFile, ...subject], {
      stdio: 'ignore',
    });
    const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(certFile) };
    const a = await tcp({ tls: pair });
    const b = await tcp({ tls: pair });
    const to = (serverName?: string) =>
      a.transport.flowTo({ ...b.transport.local, ...(serverName === undefined ? {} : { serverName }) });

    await expect(to()).rejects.toThrow(/altnames|does not match/i);
    await expect(to('other.example')).rejects.toThrow(/altnames|does not match/i);
    expect((await to('trunk.example')).isOpen).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a set picks the transport by protocol and says when it has none', async () => {
  const { transport } = await udp();
  const set = new TransportSet([transport]);

  expect((await set.flowTo({ protocol: 'UDP', address: '127.0.0.1', port: 9 })).protocol).toBe('UDP');
  await expect(set.flowTo({ protocol: 'TCP', address: '127.0.0.1', port: 9 })).rejects.toThrow('no TCP transport');
});

type Arrival = { result: ParseResult; flow: Flow };

function inbox() {
  const arrivals: Arrival[] = [];
  const waiting: ((arrival: Arrival) => void)[] = [];
  const errors: string[] = [];
  const box = { received: 0, errors, next };
  function next(): Promise<Arrival> {
    const ready = arrivals.shift();
    return ready ? Promise.resolve(ready) : new Promise((resolve) => waiting.push(resolve));
  }
  const events = {
    message: (result: ParseResult, flow: Flow) => {
      box.received++;
      const waiter = waiting.shift();
      if (waiter) waiter({ result, flow });
      else arrivals.push({ result, flow });
    },
    error: (error: Error) => void errors.push(error.message),
  };
  return { box, events };
}

async function udp() {
  const { box, events } = inbox();
  const transport = await openUdpTransport(LOOPBACK, events);
  open.push(transport);
  return Object.assign(box, { transport });
}

async function tcp(options: Partial<StreamOptions> = {}) {
  const { box, events } = inbox();
  const transport = await openStreamTransport(LOOPBACK, { clock: new FakeClock(), ...options }, events);
  open.push(transport);
  return Object.assign(box, { transport });
}

async function raw(transport: Transport): Promise<net.Socket> {
  const socket = net.connect(transport.local.port, '127.0.0.1');
  open.push({ [Symbol.asyncDispose]: async () => void socket.destroy() });
  await once(socket, 'connect');
  return socket;
}

function once(socket: net.Socket, event: string): Promise<Buffer> {
  return new Promise((resolve) => socket.once(event, resolve));
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

function bodyOf(result: ParseResult): string {
  if (!result.ok) throw new Error(result.reason);
  return bodyText(result.message);
}
