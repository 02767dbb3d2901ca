import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { RecordingLog } from '../../test/fakes/recording-log.ts';
import { CONTEXT_ID, httpWorld } from '../../test/http/http-world.ts';
import { sendRaw } from '../../test/http/raw-http.ts';
import type { Channel } from '../core/ports/channel.ts';
import { readTlsPair, watchTlsPair } from './tls-files.ts';

/** Two certificates for localhost, made by `openssl req -x509 -days 36500`; they protect nothing but these tests. */
const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name);

let dir: string;
let files: { certFile: string; keyFile: string };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tls-'));
  files = { certFile: join(dir, 'cert.pem'), keyFile: join(dir, 'key.pem') };
  install(1);
});
afterEach(() => rmSync(dir, { recursive: true }));

function install(number: 1 | 2): void {
  cpSync(fixture(`localhost-${number}.key.pem`), files.keyFile);
  cpSync(fixture(`localhost-${number}.cert.pem`), files.certFile);
}

function subjectAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('with both files the server speaks HTTPS', async () => {
  await using world = await httpWorld({ tls: files });

  expect(world.url).toMatch(/^https:/);
  expect(await subjectAt(world.port)).toBe('localhost-1');
});

test('a carrier brings its audio over TLS, both ways and in order', async () => {
  const echo: Channel = {
    name: 'twilio',
    socket: ({ socket }) =>
      socket.listen({
        text: (message) => socket.sendText(message),
        binary: (message) => socket.sendBinary(message),
        closed: () => undefined,
      }),
  };
  await using world = await httpWorld({ tls: files, channels: [echo] });
  const socket = new WebSocket(`wss://127.0.0.1:${world.port}/v1/talk/twilio/ctx/${CONTEXT_ID}`, {
    rejectUnauthorized: false,
  });
  const heard: string[] = [];
  socket.on('message', (data) => heard.push(String(data)));
  await once(socket, 'open');

  for (let count = 0; count < 50; count++) socket.send(`${count}`.padEnd(1_000, '.'));
  while (heard.length < 50) await once(socket, 'message');
  socket.terminate();

  expect(heard.map((text) => Number.parseInt(text, 10))).toEqual(Array.from({ length: 50 }, (_, count) => count));
});

test('plain HTTP on that port is not answered, and the server lives on', async () => {
  await using world = await httpWorld({ tls: files });

  await expect(sendRaw(world.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).rejects.toThrow('no whole answer');

  expect(await subjectAt(world.port)).toBe('localhost-1');
});

test('a renewed pair is handed over; one half of it is not', async () => {
  const log = new RecordingLog();
  const changed: string[] = [];
  using _ = watchTlsPair(files, log, {
    current: readTlsPair(files),
    changed: ({ cert }) => changed.push(cert.toString()),
    lookEveryMs: 20,
  });

  writeFileSync(files.certFile, 'half written');
  while (!log.events.includes('tls.reload_failed')) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(changed).toEqual([]);

  install(2);
  while (!log.events.includes('tls.reloaded')) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(changed[0]).toBe(
    readTlsPair({ certFile: fixture('localhost-2.cert.pem'), keyFile: fixture('localhost-2.key.pem') }).cert.toString(),
  );
});

test.each([
  ['a file that is not there', () => rmSync(files.keyFile), /TLS__KEY .* cannot be read/],
  [
    'a key of another certificate',
    () => cpSync(fixture('localhost-2.key.pem'), files.keyFile),
    /are no certificate with its key/,
  ],
  ['a file that is no certificate', () => writeFileSync(files.certFile, 'x'), /are no certificate with its key/],
])('%s keeps the server from starting and is named', async (_, spoil, message) => {
  spoil();

  await expect(httpWorld({ tls: files })).rejects.toThrow(message);
});

test('a taken port says what to set', async () => {
  await using world = await httpWorld();
  const { createHttpServer } = await import('./http-server.ts');
  const config = { host: '127.0.0.1', port: world.port, tls: null };
  const parts = { ...world, config, channels: [], useCases: {}, control: {}, clock: {} } as unknown as Parameters<
    typeof createHttpServer
  >[0];

  await expect(createHttpServer(parts).listen()).rejects.toThrow(
    `port ${world.port} on 127.0.0.1 is taken: stop what uses it, or set PORT`,
  );
});
