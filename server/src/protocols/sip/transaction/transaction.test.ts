import { describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../../../test/fakes/fake-clock.ts';
import { CountingRandom, FakeFlow, ok, request, responseTo } from '../fakes/wire.ts';
import { createResponse } from '../message/create.ts';
import type { SipRequest } from '../message/message.ts';
import { parseMessage } from '../message/parse-message.ts';
import type { Protocol } from '../transport/flow.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { TransactionLayer } from './transaction-layer.ts';

describe('INVITE client (17.1.1)', () => {
  test('A doubles from 500 ms without a cap, B gives up after 32 s', () => {
    const { clock, flow, outcomes } = client('INVITE');

    expect(sendTimes(clock, flow, 31_999)).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    expect(outcomes).toEqual([]);
    clock.advance(1);
    expect(outcomes).toEqual(['timeout']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('TCP: sent once', () => {
    const { clock, flow, outcomes } = client('INVITE', 'TCP');

    expect(sendTimes(clock, flow, 32_000)).toEqual([0]);
    expect(outcomes).toEqual(['timeout']);
  });

  test('a provisional response ends retransmission and timer B', () => {
    const { clock, flow, transaction, outcomes, sent } = client('INVITE');

    transaction.receive(responseTo(sent, 180));
    flow.take();
    clock.advance(600_000);

    expect(flow.take()).toEqual([]);
    expect(outcomes).toEqual([180]);
  });

  test('a failure is acknowledged on the same branch, each time it comes, for 32 s', () => {
    const { clock, flow, transaction, outcomes, sent } = client('INVITE');
    flow.take();

    transaction.receive(responseTo(sent, 486));
    transaction.receive(responseTo(sent, 486));
    const acks = flow.sent.filter((message) => message.type === 'request');

    expect(acks.map(({ vias }) => vias[0].params.get('branch'))).toEqual([branchOf(sent), branchOf(sent)]);
    expect(acks[0]?.to.params.get('tag')).toBe('answer');
    expect(acks[0]?.cseq).toEqual({ number: 1, method: 'ACK' });
    expect(outcomes).toEqual([486]);
    clock.advance(31_999);
    expect(transaction.state).toBe('completed');
    clock.advance(1);
    expect(transaction.state).toBe('terminated');
  });

  test('TCP: after a failure nothing lingers (timer D is 0)', () => {
    const { clock, transaction, sent } = client('INVITE', 'TCP');

    transaction.receive(responseTo(sent, 486));
    clock.advance(0);

    expect(transaction.state).toBe('terminated');
  });

  test('RFC 6026: every 200, from any branch, goes up until M', () => {
    const { clock, layer, transaction, outcomes, sent, flow } = client('INVITE');

    layer.receive(ok(responseTo(sent, 200)), flow);
    layer.receive(ok(responseTo(sent, 200, 'To-Tag: other')), flow);
    clock.advance(31_999);
    layer.receive(ok(responseTo(sent, 200)), flow);
    clock.advance(1);
    layer.receive(ok(responseTo(sent, 200)), flow);

    expect(outcomes).toEqual([200, 200, 200]);
    expect(transaction.state).toBe('terminated');
    expect(layer.counters.strayResponses).toBe(1);
  });

  test('a flow that cannot send is reported once', async () => {
    const flow = new FakeFlow();
    flow.isOpen = false;
    const { outcomes } = client('INVITE', 'UDP', flow);

    await settle();

    expect(outcomes).toEqual(['transport']);
  });
});

describe('non-INVITE client (17.1.2)', () => {
  test('E doubles up to T2 of 4 s, F gives up after 32 s', () => {
    const { clock, flow, outcomes } = client('OPTIONS');

    expect(sendTimes(clock, flow, 32_000)).toEqual([
      0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ]);
    expect(outcomes).toEqual(['timeout']);
  });

  test('after a provisional response it repeats every 4 s', () => {
    const { clock, flow, transaction, sent } = client('OPTIONS');

    transaction.receive(responseTo(sent, 100));

    expect(sendTimes(clock, flow, 10_000)).toEqual([0, 500, 4500, 8500]);
  });

  test('the final response goes up once; K keeps its repeats away for 5 s', () => {
    const { clock, transaction, outcomes, sent } = client('OPTIONS');

    transaction.receive(responseTo(sent, 200));
    transaction.receive(responseTo(sent, 200));
    clock.advance(4999);

    expect(outcomes).toEqual([200]);
    expect(transaction.state).toBe('completed');
    clock.advance(1);
    expect(transaction.state).toBe('terminated');
  });

  test('a response with two Vias is dropped (8.1.3.3)', () => {
    const { layer, flow, outcomes, sent } = client('OPTIONS');
    const response = responseTo(sent, 200);

    layer.receive(ok({ ...response, vias: [...response.vias, response.vias[0]] }), flow);

    expect(outcomes).toEqual([]);
    expect(layer.counters.strayResponses).toBe(1);
  });
});

describe('INVITE server (17.2.1, RFC 6026)', () => {
  const invite = request('INVITE sip:100@192.0.2.1');

  test('a retransmitted INVITE re-sends the last provisional and never makes a second call', () => {
    const { layer, flow, transactions } = server();

    layer.receive(ok(invite), flow);
    transactions[0]?.respond(reply(invite, 100));
    transactions[0]?.respond(reply(invite, 180));
    layer.receive(ok(invite), flow);

    expect(transactions).toHaveLength(1);
    expect(flow.take()).toEqual(['100', '180', '180']);
  });

  test('a failure is retransmitted by G up to T2, until H at 32 s', async () => {
    const { clock, layer, flow, transactions } = server();
    const failures: string[] = [];
    layer.receive(ok(invite), flow);
    const [transaction] = transactions;
    if (transaction) transaction.onFailed = (why) => failures.push(why);

    transaction?.respond(reply(invite, 486));

    expect(sendTimes(clock, flow, 32_000)).toEqual([
      0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ]);
    expect(failures).toEqual(['timeout']);
    expect(layer.size).toBe(0);
  });

  test('the ACK of a failure stops G; I swallows further ACKs for 5 s', () => {
    const { clock, layer, flow, transactions, acks } = server();
    layer.receive(ok(invite), flow);
    transactions[0]?.respond(reply(invite, 486));
    flow.take();
    const ack = request('ACK sip:100@192.0.2.1', 'To: <sip:100@192.0.2.1>;tag=us');

    layer.receive(ok(ack), flow);
    layer.receive(ok(ack), flow);
    clock.advance(4999);

    expect([flow.take(), acks, transactions[0]?.state]).toEqual([[], [], 'confirmed']);
    clock.advance(1);
    expect(layer.size).toBe(0);
  });

  test('TCP: a failure is sent once, and its transaction ends with the ACK', () => {
    const { clock, layer, transactions } = server();
    const flow = new FakeFlow('TCP');
    layer.receive(ok(invite), flow);
    transactions[0]?.respond(reply(invite, 486));

    expect(sendTimes(clock, flow, 10_000)).toEqual([0]);
    layer.receive(ok(request('ACK sip:100@192.0.2.1', 'To: <sip:100@192.0.2.1>;tag=us')), flow);
    clock.advance(0);
    expect(layer.size).toBe(0);
  });

  test('after a 200 repeated INVITEs are swallowed until L', () => {
    const { clock, layer, flow, transactions } = server();
    layer.receive(ok(invite), flow);
    transactions[0]?.respond(reply(invite, 200));
    flow.take();

    layer.receive(ok(invite), flow);
    clock.advance(31_999);

    expect([flow.take(), transactions.length, layer.size]).toEqual([[], 1, 1]);
    clock.advance(1);
    expect(layer.size).toBe(0);
  });

  test('an ACK with a branch of its own is not matched: it belongs to the dialog', () => {
    const { layer, flow, transactions, acks } = server();
    layer.receive(ok(invite), flow);
    transactions[0]?.respond(reply(invite, 200));

    layer.receive(ok(request('ACK sip:100@192.0.2.1', 'Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKack')), flow);

    expect(acks).toEqual(['ACK']);
  });
});

describe('non-INVITE server (17.2.2)', () => {
  const info = request('INFO sip:100@192.0.2.1');

  test('a repeat before any answer is silent, afterwards it gets the same answer for 32 s', () => {
    const { clock, layer, flow, transactions } = server();
    layer.receive(ok(info), flow);

    layer.receive(ok(info), flow);
    expect(flow.take()).toEqual([]);
    transactions[0]?.respond(reply(info, 200));
    clock.advance(31_999);
    layer.receive(ok(info), flow);
    expect(flow.take()).toEqual(['200', '200']);
    clock.advance(1);
    expect(layer.size).toBe(0);
  });

  test('a second final answer is ignored', () => {
    const { layer, flow, transactions } = server();
    layer.receive(ok(info), flow);

    transactions[0]?.respond(reply(info, 200));
    transactions[0]?.respond(reply(info, 500));
    layer.receive(ok(info), flow);

    expect(flow.take()).toEqual(['200', '200']);
  });

  test('TCP: nothing lingers after the answer (timer J is 0)', () => {
    const { clock, layer, transactions } = server();
    layer.receive(ok(info), new FakeFlow('TCP'));
    transactions[0]?.respond(reply(info, 200));

    clock.advance(0);

    expect(layer.size).toBe(0);
  });
});

describe('matching (17.2.3)', () => {
  test('same branch, other sent-by or other method: another transaction', () => {
    const { layer, flow, transactions } = server();

    layer.receive(ok(request('OPTIONS sip:a@b', 'Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKx')), flow);
    layer.receive(ok(request('OPTIONS sip:a@b', 'Via: SIP/2.0/UDP 192.0.2.9:5063;branch=z9hG4bKx')), flow);
    layer.receive(ok(request('INFO sip:a@b', 'Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKx')), flow);
    layer.receive(ok(request('INFO sip:a@b', 'Via: SIP/2.0/udp 192.0.2.9:5062;branch=z9hG4bKx')), flow);

    expect(transactions).toHaveLength(3);
  });

  test('a CANCEL finds its INVITE by branch', () => {
    const { layer, flow, transactions } = server();
    layer.receive(ok(request('INVITE sip:a@b')), flow);

    expect(layer.findInvite(request('CANCEL sip:a@b'))).toBe(transactions[0]);
    expect(
      layer.findInvite(request('CANCEL sip:a@b', 'Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKother')),
    ).toBeUndefined();
  });

  test('before RFC 3261: INVITE and ACK match by Request-URI, From tag, Call-ID, CSeq and Via', () => {
    const { layer, flow, transactions, acks } = server();
    const via = 'Via: SIP/2.0/UDP 192.0.2.9:5062';
    layer.receive(ok(request('INVITE sip:a@b', via)), flow);
    layer.receive(ok(request('INVITE sip:a@b', via)), flow);
    transactions[0]?.respond(reply(request('INVITE sip:a@b', via), 486));

    layer.receive(ok(request('ACK sip:a@b', via, 'To: <sip:100@192.0.2.1>;tag=us')), flow);

    expect([transactions.length, transactions[0]?.state, acks]).toEqual([1, 'confirmed', []]);
  });

  test('the bare cookie is no branch: two calls with it stay two calls', () => {
    const { layer, flow, transactions } = server();
    const via = 'Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK';

    layer.receive(ok(request('INVITE sip:a@b', via, 'Call-ID: one')), flow);
    layer.receive(ok(request('INVITE sip:a@b', via, 'Call-ID: two')), flow);

    expect(transactions).toHaveLength(2);
  });

  test('a request that came by two paths is merged', () => {
    const { layer, flow } = server();
    layer.receive(ok(request('INVITE sip:a@b', 'Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKone')), flow);

    expect(layer.isMerged(request('INVITE sip:a@b', 'Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKtwo'))).toBe(true);
    expect(layer.isMerged(request('INVITE sip:a@b', 'Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKone'))).toBe(false);
  });
});

test('a malformed request is answered 400 without any state', () => {
  const { layer, flow } = server();
  const head =
    'Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INFO';

  layer.receive(parseMessage(Buffer.from(`OPTIONS sip:a@b SIP/2.0\r\n${head}\r\n\r\n`)), flow);

  expect([flow.take(), layer.size, layer.counters.malformed]).toEqual([['400'], 0, 1]);
});

test('over the limit new requests are answered 503 with Retry-After, without state', () => {
  const { layer, flow, transactions } = server(1);

  layer.receive(ok(request('OPTIONS sip:a@b', 'Call-ID: one', 'Via: SIP/2.0/UDP h;branch=z9hG4bK1')), flow);
  layer.receive(ok(request('OPTIONS sip:a@b', 'Call-ID: two', 'Via: SIP/2.0/UDP h;branch=z9hG4bK2')), flow);

  expect([transactions.length, layer.size]).toEqual([1, 1]);
  expect(flow.sent[0]?.headers).toContainEqual({ name: 'Retry-After', value: '5' });
});

function client(method: string, protocol: Protocol = 'UDP', flow = new FakeFlow(protocol)) {
  const { clock, layer } = server();
  const outcomes: (string | number)[] = [];
  const sent: SipRequest = {
    ...request(`${method} sip:a@b`),
    vias: [layer.createVia(flow, { host: '192.0.2.1', port: 5090 })],
  };
  const transaction = layer.request(sent, flow, {
    response: ({ status }) => outcomes.push(status),
    failed: (why) => outcomes.push(why),
  });
  return { clock, layer, flow, transaction, outcomes, sent };
}

function server(maxServerTransactions = 100) {
  const clock = new FakeClock();
  const flow = new FakeFlow();
  const transactions: ServerTransaction[] = [];
  const acks: string[] = [];
  const layer = new TransactionLayer({
    clock,
    random: new CountingRandom(),
    open: async () => flow,
    onRequest: (transaction) => transactions.push(transaction),
    onAck: ({ method }) => acks.push(method),
    maxServerTransactions,
  });
  return { clock, flow, layer, transactions, acks };
}

function reply(to: SipRequest, status: number) {
  return createResponse(to, status, { toTag: 'us' });
}

function branchOf({ vias }: SipRequest): string | null | undefined {
  return vias[0].params.get('branch');
}

/** When, in ms from now, something was sent; steps of 1 ms would be slow, all timers are multiples of 100. */
function sendTimes(clock: FakeClock, flow: FakeFlow, ms: number): number[] {
  const times = flow.take().map(() => 0);
  for (let left = ms; left > 0; left -= 100) {
    clock.advance(Math.min(100, left));
    for (const _ of flow.take()) times.push(Math.ceil(clock.nowMs() / 100) * 100);
  }
  return times;
}
