import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Finding } from './check.ts';
import { type PublicHostParts, publicHostCheck } from './public-host.ts';

/** A self-signed certificate for localhost, valid until 2126-10-28; it protects nothing but these tests. */
const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../../http/fixtures', name), 'utf8');
const cert = fixture('localhost-1.cert.pem');
const key = fixture('localhost-1.key.pem');
const OURS = '0123456789abcdef';
const END = new Date('2126-10-28T11:14:53Z');
const daysBeforeEnd = (days: number) => new Date(END.getTime() - days * 86_400_000 - 1);

type Answer = { readonly status?: number; readonly installation?: string; readonly address?: string };

async function tlsHost({ status = 200, installation = OURS, address }: Answer = {}) {
  const server = https.createServer({ cert, key }, (_request, response) => {
    response.writeHead(status, installation === '' ? {} : { 'x-installation': installation });
    response.end('{"status":"ok"}');
  });
  return await opened(server, address);
}

async function opened(server: http.Server, address = '127.0.0.1') {
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const name = address === '127.0.0.1' ? 'localhost' : address;
  return {
    name: `${name}:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function findings(publicHost: string | null, parts: Partial<PublicHostParts> = {}): Promise<readonly Finding[]> {
  const installationId = async () => OURS;
  const check = publicHostCheck({ publicHost, installationId, now: daysBeforeEnd(90), ...parts });
  return [await check.run(AbortSignal.timeout(10_000))].flat();
}

test('a trusted certificate and our own answer are fine; the private address is told', async () => {
  await using host = await tlsHost();

  const found = await findings(host.name, { ca: cert });

  expect(found.map(({ status }) => status)).toEqual(['warn', 'ok', 'ok']);
  expect(found[0]?.text).toMatch(/^localhost is .*127\.0\.0\.1.*: not an address of the public internet$/);
  expect(found[1]?.text).toBe('its certificate is trusted, 90 days are left (until 2126-10-28)');
  expect(found[2]?.text).toBe(`https://${host.name}/readiness reaches this installation`);
});

test('a certificate that nobody signed is refused by carriers, and told with what to do', async () => {
  await using host = await tlsHost();

  const [, certificate] = await findings(host.name);

  expect(certificate).toEqual({
    status: 'fail',
    text: 'its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)',
    advice: 'use one of a public authority, Let’s Encrypt for one: carriers refuse this one',
  });
});

test('the last two weeks of a certificate are a warning, its end is a fail', async () => {
  await using host = await tlsHost();

  const [, soon] = await findings(host.name, { ca: cert, now: daysBeforeEnd(9) });
  const [, over] = await findings(host.name, { ca: cert, now: daysBeforeEnd(-3) });

  expect(soon).toMatchObject({
    status: 'warn',
    text: 'its certificate is trusted, 9 days are left (until 2126-10-28)',
  });
  expect(over).toMatchObject({ status: 'fail', text: 'its certificate ended on 2126-10-28' });
});

test('a certificate for another name is told with the names it has', async () => {
  await using host = await tlsHost({ address: '127.0.0.2' });

  const [, certificate] = await findings(host.name, { ca: cert });

  expect(certificate).toMatchObject({
    status: 'fail',
    text: 'its certificate is for localhost, IP Address:127.0.0.1, not for 127.0.0.2',
  });
});

test('something else, and another installation, behind the name are told apart; so is one that is not ready', async () => {
  await using else_ = await tlsHost({ installation: '' });
  await using other = await tlsHost({ installation: 'fedcba9876543210' });
  await using unready = await tlsHost({ status: 503 });

  const texts = [];
  for (const { name } of [else_, other, unready]) texts.push((await findings(name, { ca: cert }))[2]);

  expect(texts).toMatchObject([
    { status: 'fail', text: `https://${else_.name}/readiness is answered 200 by something else` },
    { status: 'fail', text: `https://${other.name}/readiness is answered by another installation of assistant-api` },
    { status: 'fail', text: `https://${unready.name}/readiness reaches this installation, which answers 503` },
  ]);
});

test('a port without TLS, one where nobody is, and one that says nothing are told apart', async () => {
  await using plain = await opened(http.createServer((_request, response) => response.end('hello')));
  const gone = await tlsHost();
  await gone[Symbol.asyncDispose]();
  const mute = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const muteName = `localhost:${(mute.address() as AddressInfo).port}`;
  const run = publicHostCheck({ publicHost: muteName, installationId: async () => OURS, now: new Date() }).run;

  const [, noTls] = await findings(plain.name);
  const [, nobody] = await findings(gone.name);
  const [, nothing] = [await run(AbortSignal.timeout(100))].flat();
  mute.close();

  expect(noTls).toMatchObject({ status: 'fail', text: `${plain.name} answers, but not in TLS` });
  expect(nobody?.text).toBe(`${gone.name} is not reached from here: ECONNREFUSED`);
  expect(nothing?.text).toBe(`${muteName} is not reached from here: ETIMEDOUT`);
});

test('without a public host the channels that need one are named; a name without address is a fail', async () => {
  expect(await findings(null)).toMatchObject([
    { status: 'warn', text: expect.stringContaining('Twilio, Vonage and Exotel do not') },
  ]);
  expect(await findings('no-such-host.invalid')).toMatchObject([
    { status: 'fail', text: 'the name no-such-host.invalid has no address' },
  ]);
});
