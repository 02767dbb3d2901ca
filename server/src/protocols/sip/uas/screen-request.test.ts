import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fakeAgent } from '../fakes/agent.ts';
import { invite } from '../fakes/answered-call.ts';
import { request } from '../fakes/wire.ts';
import { headerOf } from '../message/message.ts';
import { parseMessage } from '../message/parse-message.ts';
import { screenRequest } from './screen-request.ts';

describe('what is refused before anybody looks', () => {
  const fixture = (name: string) => {
    const result = parseMessage(readFileSync(new URL(`../message/fixtures/rfc4475/${name}.raw`, import.meta.url)));
    if (!result.ok || result.message.type !== 'request') throw new Error(name);
    return result.message;
  };

  test.each([
    ['bext01', 420],
    ['unkscm', 416],
    ['novelsc', 416],
    ['invut', 415],
    ['sdp01', 406],
    ['zeromf', undefined],
    ['semiuri', undefined],
    ['intmeth', 405],
    ['wsinv', undefined],
  ])('RFC 4475 %s: %s', (name, status) => {
    expect(screenRequest(fixture(name))?.status).toBe(status);
  });

  test('420 names what is unsupported, 405 what is allowed', () => {
    expect(screenRequest(fixture('bext01'))?.headers).toEqual([
      { name: 'Unsupported', value: 'nothingSupportsThis, nothingSupportsThisEither' },
    ]);
    expect(screenRequest(fixture('intmeth'))?.headers[0]?.name).toBe('Allow');
  });

  test('Max-Forwards 0 is 483', async () => {
    const { flow, receive } = fakeAgent();

    await receive(invite('Max-Forwards: 0'));

    expect(flow.take()).toEqual(['483']);
  });

  test('ACK and CANCEL are never refused', () => {
    expect(screenRequest(request('ACK sip:a@b', 'Require: nothing'))).toBeUndefined();
    expect(screenRequest(request('CANCEL sip:a@b', 'Require: nothing'))).toBeUndefined();
  });

  test('OPTIONS: 200 with Allow, Accept and Supported', async () => {
    const { flow, receive } = fakeAgent();

    await receive(request('OPTIONS sip:192.0.2.1'));

    expect(flow.sent[0]?.headers.map(({ name }) => name)).toEqual(['Allow', 'Accept', 'Supported', 'Server']);
    expect(flow.take()).toEqual(['200']);
  });

  test('draining or full: 503 with Retry-After before anything else is done', async () => {
    const full = { status: 503, headers: [{ name: 'Retry-After', value: '30' }] };
    const { flow, receive, incoming } = fakeAgent({ admit: () => full });

    await receive(invite());
    await receive(request('OPTIONS sip:192.0.2.1', 'Call-ID: other'));

    expect(flow.sent.map((message) => headerOf(message, 'Retry-After'))).toEqual(['30', '30']);
    expect([flow.take(), incoming.length]).toEqual([['503', '503'], 0]);
  });

  test('a scanner can be met with silence', async () => {
    const { agent, flow, receive } = fakeAgent({ admit: () => 'drop' });

    await receive(invite());

    expect([flow.take(), agent.load.transactions]).toEqual([[], 0]);
  });

  test('REGISTER without a registrar: 405', async () => {
    const { flow, receive } = fakeAgent();

    await receive(request('REGISTER sip:192.0.2.1'));

    expect(flow.take()).toEqual(['405']);
  });
});
