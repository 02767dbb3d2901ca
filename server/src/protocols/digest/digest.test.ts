import { describe, expect, test } from 'vitest';
import { parseDigestHeader } from './auth-header.ts';
import { computeResponse, hashUser, parseAlgorithm } from './digest.ts';
import { DigestClient } from './digest-client.ts';
import { DigestServer } from './digest-server.ts';
import { NonceCounts } from './nonce.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const NOW_MS = 1_790_000_000_000;
const REQUEST = { method: 'INVITE', uri: 'sip:100@192.0.2.1' };

describe('the arithmetic', () => {
  // RFC 7616, 3.9.1: the example for both algorithms.
  const example = {
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    method: 'GET',
    uri: '/dir/index.html',
    qop: 'auth',
    nc: '00000001',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  } as const;

  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('RFC 7616, 3.9.1, %s', (algorithm, expected) => {
    const ha1 = hashUser(algorithm, 'Mufasa', 'http-auth@example.org', 'Circle of Life');

    expect(computeResponse(ha1, { algorithm, ...example })).toBe(expected);
  });

  test('RFC 2617, 3.5: the older form with qop', () => {
    const ha1 = hashUser('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life');
    const input = {
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      method: 'GET',
      uri: '/dir/index.html',
      qop: 'auth',
      nc: '00000001',
      cnonce: '0a4f113b',
    } as const;

    expect(computeResponse(ha1, { algorithm: 'MD5', ...input })).toBe('6629fae49393a05397450978507c4ef1');
  });

  test('a header without algorithm means MD5, an unknown one nothing', () => {
    expect([parseAlgorithm(undefined), parseAlgorithm('sha-256'), parseAlgorithm('AKAv1-MD5')]).toEqual([
      'MD5',
      'SHA-256',
      undefined,
    ]);
  });
});

describe('headers', () => {
  test('quotes, escapes, commas inside quotes', () => {
    expect([...(parseDigestHeader('Digest realm="a, \\"b\\"", nc=00000001 ,qop=auth') ?? [])]).toEqual([
      ['realm', 'a, "b"'],
      ['nc', '00000001'],
      ['qop', 'auth'],
    ]);
  });

  test.each([
    'Basic abc',
    'Digest realm="open',
    'Digest realm',
    'Digest a=1, a=2',
    'NoOneKnowsThisScheme opaque-data=here',
  ])('%s is refused', (text) => {
    expect(parseDigestHeader(text)).toBeUndefined();
  });
});

describe('server and client together', () => {
  test('two challenges, MD5 first; the client answers the strongest and is let in', () => {
    const { server, challenge, answer, ha1 } = setup();
    const challenges = challenge();

    expect(challenges.map((text) => parseDigestHeader(text)?.get('algorithm'))).toEqual(['MD5', 'SHA-256']);
    const [header = ''] = answer(challenges);
    expect(parseDigestHeader(header)?.get('algorithm')).toBe('SHA-256');
    expect(verify(server, header, [ha1('SHA-256')])).toEqual({ type: 'accepted', index: 0 });
  });

  test('baresip 1.0 gives up at any algorithm it does not know: it is offered MD5 alone', () => {
    const { server } = setup();

    const challenges = server.challenge({ source: 'a', nowMs: NOW_MS, userAgent: 'baresip v1.0.0 (x86_64/linux)' });

    expect(challenges.map((text) => parseDigestHeader(text)?.get('algorithm'))).toEqual(['MD5']);
  });

  test('a client that knows MD5 only is let in by MD5', () => {
    const { server, challenge, answer, ha1 } = setup();

    const [header = ''] = answer(challenge().slice(0, 1));

    expect(server.claim(header)).toEqual({ username: '42', algorithm: 'MD5' });
    expect(verify(server, header, ['0'.repeat(32), ha1('MD5')])).toEqual({ type: 'accepted', index: 1 });
  });

  test('MD5-sess is accepted', () => {
    const { server, challenge, answer, ha1 } = setup();
    const [md5 = ''] = challenge();

    const [header = ''] = answer([md5.replace('algorithm=MD5', 'algorithm=MD5-sess')]);

    expect(verify(server, header, [ha1('MD5')])).toEqual({ type: 'accepted', index: 0 });
  });

  test('a wrong secret is refused', () => {
    const { server, challenge, answer } = setup();

    expect(verify(server, answer(challenge())[0] ?? '', ['0'.repeat(64)])).toEqual({
      type: 'refused',
      isOurNonce: true,
    });
  });

  test('the same answer twice is a replay: stale', () => {
    const { server, challenge, answer, ha1 } = setup();
    const [header = ''] = answer(challenge());
    verify(server, header, [ha1('SHA-256')]);

    expect(verify(server, header, [ha1('SHA-256')])).toEqual({ type: 'stale' });
  });

  test('a nonce used again with a higher count is let in', () => {
    const { server, challenge, answer, ha1 } = setup();
    const challenges = challenge();
    const headers = [answer(challenges)[0] ?? '', answer(challenges)[0] ?? ''];

    expect(headers.map((header) => parseDigestHeader(header)?.get('nc'))).toEqual(['00000001', '00000002']);
    expect(headers.map((header) => verify(server, header, [ha1('SHA-256')]).type)).toEqual(['accepted', 'accepted']);
  });

  test('a nonce over 60 s old is stale', () => {
    const { server, challenge, answer, ha1 } = setup();
    const [header = ''] = answer(challenge());

    expect(verify(server, header, [ha1('SHA-256')], { nowMs: NOW_MS + 61_000 })).toEqual({ type: 'stale' });
    expect(verify(server, header, [ha1('SHA-256')], { nowMs: NOW_MS + 60_000 })).toEqual({
      type: 'accepted',
      index: 0,
    });
  });

  test('a nonce given to another address, or forged, does not let in', () => {
    const { server, challenge, answer, ha1 } = setup();
    const [header = ''] = answer(challenge());

    expect(verify(server, header, [ha1('SHA-256')], { source: '192.0.2.66' })).toEqual({ type: 'stale' });
    const [forged = ''] = answer(['Digest realm="rapida", nonce="made-up", qop="auth", algorithm=SHA-256']);
    expect(verify(server, forged, [ha1('SHA-256')])).toEqual({ type: 'stale' });
  });

  test('a wrong secret with a nonce of somebody else tells nothing of who sent it', () => {
    const { server, challenge, answer } = setup();
    const [header = ''] = answer(challenge());

    const verdict = verify(server, header, ['0'.repeat(64)], { source: '192.0.2.66' });

    expect(verdict).toEqual({ type: 'refused', isOurNonce: false });
  });

  test('any node with the key verifies a nonce of another', () => {
    const { challenge, answer, ha1 } = setup();

    expect(verify(setup().server, answer(challenge())[0] ?? '', [ha1('SHA-256')])).toEqual({
      type: 'accepted',
      index: 0,
    });
  });

  test('auth-int is refused on both sides', () => {
    const { server, challenge, answer, ha1 } = setup();

    expect(answer(['Digest realm="rapida", nonce="n", qop="auth-int"'])).toEqual([]);
    const [header = ''] = answer(challenge());
    expect(verify(server, header.replace('qop=auth', 'qop=auth-int'), [ha1('SHA-256')])).toMatchObject({
      type: 'refused',
    });
  });

  test('the digest is checked against the uri of the header, not the Request-URI', () => {
    const { server, challenge, client, ha1 } = setup();

    const [header = ''] = client.answer(challenge(), { method: 'INVITE', uri: 'sip:host:5090' });

    expect(verify(server, header, [ha1('SHA-256')]).type).toBe('accepted');
  });

  test('the client gives up when its answer is refused, and tries again when it was only stale', () => {
    const { challenge, client } = setup();
    const sent = client.answer(challenge(), REQUEST);

    expect(client.answer(challenge(), REQUEST, sent)).toEqual([]);
    expect(client.answer(challenge(true), REQUEST, sent)).toHaveLength(1);
  });

  test('each realm that challenges gets its own answer', () => {
    const { client } = setup();

    const answers = client.answer(
      [
        'Digest realm="one", nonce="1"',
        'Digest realm="two", nonce="2"',
        'Digest realm="two", nonce="3", algorithm=AKAv1-MD5',
      ],
      REQUEST,
    );

    expect(answers.map((header) => parseDigestHeader(header)?.get('realm'))).toEqual(['one', 'two']);
  });
});

test('the replay memory forgets the oldest nonce first and stays bounded', () => {
  const counts = new NonceCounts(2);
  for (const nonce of ['a', 'b', 'c']) counts.accept(nonce, 5);

  expect([counts.accept('c', 5), counts.accept('b', 4), counts.accept('a', 1)]).toEqual([false, false, true]);
});

function setup() {
  let salt = 0;
  const randomBytes = (count: number) => new Uint8Array(count).fill(++salt);
  const server = new DigestServer({ realm: 'rapida', key: KEY, randomBytes });
  const client = new DigestClient({ username: '42', password: 'rpd-secret' }, randomBytes);
  const challenge = (isStale = false) => server.challenge({ source: '192.0.2.9', nowMs: NOW_MS, isStale });
  const answer = (challenges: string[]) => client.answer(challenges, REQUEST);
  const ha1 = (algorithm: 'MD5' | 'SHA-256') => hashUser(algorithm, '42', 'rapida', 'rpd-secret');
  return { server, client, challenge, answer, ha1 };
}

function verify(
  server: DigestServer,
  header: string,
  candidates: string[],
  changes: { nowMs?: number; source?: string } = {},
) {
  return server.verify({ method: 'INVITE', header, source: '192.0.2.9', nowMs: NOW_MS, ...changes }, candidates);
}
