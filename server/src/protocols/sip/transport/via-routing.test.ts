import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../message/message.ts';
import { parseMessage } from '../message/parse-message.ts';
import { parseVias, printVia } from '../message/via.ts';
import type { Flow, Target } from './flow.ts';
import { responseTarget, sendResponse, stampVia } from './via-routing.ts';

const source: Target = { protocol: 'UDP', address: '198.51.100.7', port: 31337 };

describe('received and rport (18.2.1, RFC 3581)', () => {
  test.each([
    ['SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1', 'SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;received=198.51.100.7'],
    ['SIP/2.0/UDP phone.local;branch=z9hG4bK1', 'SIP/2.0/UDP phone.local;branch=z9hG4bK1;received=198.51.100.7'],
    ['SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1', 'SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1'],
    [
      'SIP/2.0/UDP 198.51.100.7;rport;branch=z9hG4bK1',
      'SIP/2.0/UDP 198.51.100.7;rport=31337;branch=z9hG4bK1;received=198.51.100.7',
    ],
  ])('%s becomes %s', (via, stamped) => {
    expect(printVia(stampVia(request(via), source).vias[0])).toBe(stamped);
  });
});

describe('where a response goes (18.2.2)', () => {
  test.each([
    ['SIP/2.0/UDP h:5062;received=192.0.2.1;rport=1024', { protocol: 'UDP', address: '192.0.2.1', port: 1024 }],
    ['SIP/2.0/UDP h:5062;received=192.0.2.1', { protocol: 'UDP', address: '192.0.2.1', port: 5062 }],
    ['SIP/2.0/UDP 192.0.2.1', { protocol: 'UDP', address: '192.0.2.1', port: 5060 }],
    ['SIP/2.0/TLS 192.0.2.1', { protocol: 'TLS', address: '192.0.2.1', port: 5061 }],
    ['SIP/2.0/UDP 192.0.2.1:7;maddr=224.2.0.1;rport=9', { protocol: 'UDP', address: '224.2.0.1', port: 7 }],
    ['SIP/2.0/UDP [2001:db8::1]:5070;received=[2001:db8::9]', { protocol: 'UDP', address: '2001:db8::9', port: 5070 }],
    ['SIP/2.0/UDP proxy.example.com', undefined],
  ])('%s', (via, target) => {
    expect(responseTarget(parseVias(via)?.[0] ?? request('').vias[0])).toEqual(target);
  });

  test('TCP: the same connection, and once that has closed a new one to the sent-by address', async () => {
    const sent: string[] = [];
    const via = request('SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK1').vias[0];
    const flowOf = (name: string, isOpen: boolean): Flow => ({
      protocol: 'TCP',
      remote: source,
      local: source,
      isOpen,
      send: () => isOpen && sent.push(name) > 0,
    });
    const reopen = async (target: Target) => flowOf(`new connection to ${target.address}:${target.port}`, true);

    await sendResponse(Buffer.from(''), { via, flow: flowOf('same connection', true) }, reopen);
    await sendResponse(Buffer.from(''), { via, flow: flowOf('', false) }, reopen);

    expect(sent).toEqual(['same connection', 'new connection to 192.0.2.1:5070']);
  });
});

function request(via: string): SipRequest {
  const lines = [
    `OPTIONS sip:a@b SIP/2.0`,
    `Via: ${via}`,
    'From: <sip:c@d>;tag=1',
    'To: <sip:a@b>',
    'Call-ID: x',
    'CSeq: 1 OPTIONS',
  ];
  const result = parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  if (!result.ok || result.message.type !== 'request') throw new Error('not a request');
  return result.message;
}
