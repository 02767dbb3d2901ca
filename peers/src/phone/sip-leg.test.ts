import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { Phone } from './phone.ts';
import { SipLeg } from './sip-leg.ts';
import { answerChallenge } from './sip-text.ts';

const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

describe('a SIP phone', () => {
  test('it logs in when asked, acknowledges, and answers the BYE', async () => {
    const seen: string[] = [];
    const server = await sipServer((request, reply) => {
      const method = request.split(' ')[0] ?? '';
      seen.push(
        `${method} ${/^CSeq: (.*)/m.exec(request)?.[1]}${request.includes('Authorization:') ? ' with login' : ''}`,
      );
      if (method === 'INVITE' && !request.includes('Authorization:')) {
        reply(answer(request, '401 Unauthorized', ['WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"']));
      } else if (method === 'INVITE') {
        reply(
          answer(
            request,
            '200 OK',
            ['Contact: <sip:far@127.0.0.1>'],
            'v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n',
          ),
        );
      } else if (method === 'ACK' && request.startsWith('ACK sip:far@')) {
        reply('BYE sip:phone@127.0.0.1 SIP/2.0\r\nVia: v\r\nCSeq: 7 BYE\r\n\r\n');
      } else if (method === 'SIP/2.0') seen.push(request.split('\r\n')[0] ?? '');
    });
    const login = { username: 'phone', password: 'secret' };

    const phone = await Phone.open(new SipLeg({ host: '127.0.0.1', port: server, number: '1', user: 'phone', login }));

    expect(await phone.ended).toEqual({ by: 'far end', how: 'hung up' });
    expect(seen.slice(0, 4)).toEqual(['INVITE 1 INVITE', 'ACK 1 ACK', 'INVITE 2 INVITE with login', 'ACK 2 ACK']);
  });

  test('a refusal is told in the words of the server', async () => {
    const port = await sipServer((request, reply) => {
      if (request.startsWith('INVITE')) reply(answer(request, '486 Busy Here'));
    });

    const opening = Phone.open(new SipLeg({ host: '127.0.0.1', port, number: '1', user: 'phone' }));

    await expect(opening).rejects.toThrow('the call was refused: 486 Busy Here');
  });

  test('the digest is the one of RFC 2617, section 3.5, but for the client nonce', () => {
    const challenge =
      'Digest realm="testrealm@host.com", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"';

    const login = answerChallenge(challenge, { username: 'Mufasa', password: 'Circle' }, 'GET', '/dir/index.html');

    expect(login).toMatch(
      /^Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b.*", uri="\/dir\/index.html", response="[0-9a-f]{32}", algorithm=MD5, qop=auth, nc=00000001, cnonce="[0-9a-f]{8}", opaque="5ccc"$/,
    );
  });
});

async function sipServer(onMessage: (text: string, reply: (text: string) => void) => void): Promise<number> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  socket.on('message', (datagram, peer) => {
    onMessage(datagram.toString('utf8'), (text) => socket.send(text, peer.port, peer.address));
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket.address().port;
}

function answer(request: string, status: string, extra: readonly string[] = [], body = ''): string {
  const copied = request.split('\r\n').filter((line) => /^(Via|From|Call-ID|CSeq):/.test(line));
  return [`SIP/2.0 ${status}`, ...copied, 'To: <sip:1@far>;tag=far', ...extra, '', body].join('\r\n');
}
