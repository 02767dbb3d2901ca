import { describe, expect, test } from 'vitest';
import { settle } from '../../../../test/fakes/fake-clock.ts';
import { fakeAgent } from '../fakes/agent.ts';
import { FakeFlow, responseTo } from '../fakes/wire.ts';
import type { SipRequest } from '../message/message.ts';
import type { Protocol } from '../transport/flow.ts';
import { locateServer, orderSrv, type Resolver } from './locate-server.ts';

const DNS: Resolver = {
  naptr: async (domain) =>
    domain === 'naptr.example'
      ? [
          { service: 'SIP+D2T', replacement: '_sip._tcp.naptr.example' },
          { service: 'SIP+D2U', replacement: '_sip._udp.naptr.example' },
        ]
      : [],
  srv: async (name) =>
    ({
      '_sip._udp.srv.example': [
        { name: 'second.example', port: 5070, priority: 20, weight: 0 },
        { name: 'first.example', port: 5060, priority: 10, weight: 0 },
      ],
      '_sip._tcp.naptr.example': [{ name: 'first.example', port: 5061, priority: 1, weight: 0 }],
      '_sips._tcp.srv.example': [{ name: 'first.example', port: 5061, priority: 1, weight: 0 }],
    })[name] ?? [],
  addresses: async (host) => {
    if (host === 'broken.example') throw new Error('ESERVFAIL');
    return (
      {
        'first.example': ['192.0.2.11'],
        'second.example': ['192.0.2.12'],
        'plain.example': ['192.0.2.13', '2001:db8::13'],
      }[host] ?? []
    );
  },
};

describe('finding the server (RFC 3263)', () => {
  test.each<[string, string[]]>([
    ['sip:a@192.0.2.1', ['UDP 192.0.2.1:5060']],
    ['sip:a@192.0.2.1:5090;transport=tcp', ['TCP 192.0.2.1:5090']],
    ['sips:a@192.0.2.1', ['TLS 192.0.2.1:5061']],
    ['sip:a@[2001:db8::1]', ['UDP 2001:db8::1:5060']],
    ['sip:a@plain.example:5080', ['UDP 192.0.2.13:5080', 'UDP 2001:db8::13:5080']],
    ['sip:a@srv.example', ['UDP 192.0.2.11:5060', 'UDP 192.0.2.12:5070']],
    ['sips:a@srv.example', ['TLS 192.0.2.11:5061']],
    ['sip:a@naptr.example', ['TCP 192.0.2.11:5061']],
    ['sip:a@plain.example', ['UDP 192.0.2.13:5060', 'UDP 2001:db8::13:5060']],
    ['sip:a@naptr.example;maddr=192.0.2.99', ['UDP 192.0.2.99:5060']],
    ['sip:a@192.0.2.1;transport=sctp', []],
    ['sip:a@broken.example', []],
    ['tel:+1555', []],
  ])('%s -> %j', async (uri, expected) => {
    const targets = await locateServer(uri, { resolver: DNS, protocols: ['UDP', 'TCP', 'TLS'], below: () => 0 });

    expect(targets.map(({ protocol, address, port }) => `${protocol} ${address}:${port}`)).toEqual(expected);
  });

  test('over TLS the certificate has to be for the name asked for, not for the one that DNS gave', async () => {
    const tools = { resolver: DNS, protocols: ['UDP', 'TLS'] as Protocol[], below: () => 0 };

    expect((await locateServer('sips:a@srv.example', tools)).map(({ serverName }) => serverName)).toEqual([
      'srv.example',
    ]);
    expect(await locateServer('sips:a@192.0.2.1', tools)).toEqual([
      { protocol: 'TLS', address: '192.0.2.1', port: 5061 },
    ]);
  });

  test('what we cannot speak is not tried', async () => {
    const protocols: Protocol[] = ['UDP'];

    expect(await locateServer('sips:a@srv.example', { resolver: DNS, protocols, below: () => 0 })).toEqual([]);
  });

  test('records of one priority are drawn by weight', () => {
    const records = [
      { name: 'light', port: 1, priority: 1, weight: 10 },
      { name: 'heavy', port: 1, priority: 1, weight: 90 },
    ];

    expect(orderSrv(records, () => 5).map(({ name }) => name)).toEqual(['light', 'heavy']);
    expect(orderSrv(records, () => 50).map(({ name }) => name)).toEqual(['heavy', 'light']);
  });
});

describe('failover', () => {
  const to = 'sip:100@srv.example';

  test('the next server is tried when the first cannot be reached', async () => {
    const { agent, flows, call } = dialing();
    flows.set('192.0.2.11:5060', closed());

    await call();

    expect(flows.get('192.0.2.12:5070')?.take()).toEqual(['INVITE']);
    expect(agent.load.transactions).toBe(1);
  });

  test('a server that says nothing for 32 s is passed over', async () => {
    const { clock, flows, call } = dialing();
    await call();

    clock.advance(32_000);
    await settle();

    expect(flows.get('192.0.2.12:5070')?.take()).toEqual(['INVITE']);
  });

  test('503: the next is tried, and the first is left alone for its Retry-After', async () => {
    const { clock, flows, call, receive, sentTo } = dialing();
    await call();
    await receive(
      responseTo(sentTo('192.0.2.11:5060'), 503, 'Retry-After: 60'),
      flows.get('192.0.2.11:5060') as FakeFlow,
    );
    expect(flows.get('192.0.2.12:5070')?.take()).toEqual(['INVITE']);
    flows.get('192.0.2.11:5060')?.take();

    await call();
    expect([flows.get('192.0.2.11:5060')?.take(), flows.get('192.0.2.12:5070')?.take()]).toEqual([[], ['INVITE']]);

    clock.advance(60_000);
    flows.get('192.0.2.11:5060')?.take();
    await call();
    expect(flows.get('192.0.2.11:5060')?.take()).toContain('INVITE');
  });

  test('a server that says nothing is avoided by the next call, and one taken back goes to no other server', async () => {
    const { clock, flows, call } = dialing();
    const outgoing = await call();

    outgoing.cancel();
    await call();

    expect([flows.get('192.0.2.11:5060')?.take(), flows.get('192.0.2.12:5070')?.take()]).toEqual([
      ['INVITE'],
      ['INVITE'],
    ]);
    clock.advance(32_000);
    await settle();
    expect(flows.get('192.0.2.12:5070')?.sent.map(({ callId }) => callId)).not.toContain(outgoing.callId);
  });

  test('a call taken back before its server is found is over at once', async () => {
    const { agent, flows } = fakeAgent({ resolver: DNS });
    const log: number[] = [];
    const handlers = { ended: () => {}, answered: () => {}, refused: (status: number) => void log.push(status) };
    const media = { offer: () => '', answer: () => '', accept: () => true, rollback: () => {} };
    const outgoing = agent.call({ to, from: { uri: 'sip:us@h', params: new Map() }, media, handlers });

    outgoing.cancel();
    await settle();

    expect(log).toEqual([487]);
    expect(flows.get('192.0.2.11:5060')?.sent ?? []).toEqual([]);
  });

  test('a request over 1300 bytes goes by TCP where there is one, else by UDP (18.1.1)', async () => {
    const headers = [{ name: 'X-Long', value: 'x'.repeat(1300) }];
    const { agent, flows, transport } = fakeAgent({ resolver: DNS });
    agent.listen(transport('TCP'));
    const handlers = { ended: () => {}, answered: () => {}, refused: () => {} };
    const media = { offer: () => '', answer: () => '', accept: () => true, rollback: () => {} };
    agent.call({ to: 'sip:100@192.0.2.77', from: { uri: 'sip:us@h', params: new Map() }, media, headers, handlers });
    await settle();

    expect(flows.get('192.0.2.77:5060')?.protocol).toBe('TCP');
    agent.call({
      to: 'sip:100@192.0.2.78;transport=udp',
      from: { uri: 'sip:us@h', params: new Map() },
      media,
      headers,
      handlers,
    });
    await settle();
    expect(flows.get('192.0.2.78:5060')?.protocol).toBe('UDP');
  });

  test('nothing resolves: the call is refused at once', async () => {
    const { agent } = fakeAgent();
    const log: number[] = [];
    const handlers = { ended: () => {}, answered: () => {}, refused: (status: number) => void log.push(status) };
    const media = { offer: () => '', answer: () => '', accept: () => true, rollback: () => {} };
    agent.call({ to: 'sip:100@nowhere.example', from: { uri: 'sip:us@h', params: new Map() }, media, handlers });
    await settle();

    expect(log).toEqual([408]);
  });

  function dialing() {
    const agent = fakeAgent({ resolver: DNS });
    const handlers = { ended: () => {}, answered: () => {}, refused: () => {} };
    const media = { offer: () => 'offer', answer: () => '', accept: () => true, rollback: () => {} };
    const call = async () => {
      const outgoing = agent.agent.call({ to, from: { uri: 'sip:us@h', params: new Map() }, media, handlers });
      await settle();
      return outgoing;
    };
    const sentTo = (address: string) => agent.flows.get(address)?.sent.at(-1) as SipRequest;
    return { ...agent, call, sentTo };
  }

  function closed(): FakeFlow {
    const flow = new FakeFlow();
    flow.isOpen = false;
    return flow;
  }
});
