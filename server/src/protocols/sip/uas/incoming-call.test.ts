import { describe, expect, test } from 'vitest';
import { settle } from '../../../../test/fakes/fake-clock.ts';
import { FakeMedia, fakeAgent, lastSent, logged } from '../fakes/agent.ts';
import { ackOf, answered, dialogRequest, invite, SDP } from '../fakes/answered-call.ts';
import { FakeFlow, request } from '../fakes/wire.ts';
import { bodyText, headerOf } from '../message/message.ts';

describe('a call comes in', () => {
  test('100 Trying goes out at once, whatever the user does', async () => {
    const { flow, receive } = fakeAgent();

    await receive(invite());

    expect(flow.take()).toEqual(['100']);
  });

  test('180, 200 with the answer, ACK: established', async () => {
    const { call, flow, log, ack } = await answered();

    await ack();

    expect(flow.take()).toEqual(['100', '180', '200']);
    expect([call.state, log]).toEqual(['established', ['established']]);
  });

  test('Record-Route is copied in order into 18x and 2xx, and not into 100', async () => {
    const { flow } = await answered('Record-Route: <sip:a;lr>', 'Record-Route: <sip:b;lr>');

    const copied = flow.sent.map(({ headers }) =>
      headers.filter(({ name }) => name === 'Record-Route').map(({ value }) => value),
    );

    expect(copied).toEqual([[], ['<sip:a;lr>', '<sip:b;lr>'], ['<sip:a;lr>', '<sip:b;lr>']]);
  });

  test('no common codec: 488', async () => {
    const { incoming, flow, receive } = fakeAgent();
    await receive(invite('Content-Type: application/sdp', '', 'no-codec'));

    expect(incoming[0]?.accept(new FakeMedia(), logged([]))).toBeUndefined();
    expect(flow.take()).toEqual(['100', '488']);
  });

  test('a retransmitted INVITE never makes a second call', async () => {
    const { incoming, receive } = fakeAgent();

    await receive(invite());
    await receive(invite());

    expect(incoming).toHaveLength(1);
  });

  test('the same request by another path is 482 (merged)', async () => {
    const { flow, receive } = fakeAgent();
    await receive(invite());
    flow.take();

    await receive(invite('Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKother'));

    expect(flow.take()).toEqual(['482']);
  });

  test('a second INVITE with the Call-ID of one still ringing is refused', async () => {
    const { flow, incoming, receive } = fakeAgent();
    await receive(invite());
    flow.take();

    await receive(invite('Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKother', 'CSeq: 2 INVITE'));

    expect([flow.take(), incoming.length]).toEqual([['100', '482'], 1]);
  });
});

describe('200 until ACK (13.3.1.4)', () => {
  test('it is sent again at T1 doubling to T2; after 64*T1 without ACK a BYE follows', async () => {
    const { clock, flow, log } = await answered();
    flow.take();
    const times: number[] = [];

    for (let ms = 500; ms <= 32_000; ms += 500) {
      clock.advance(500);
      if (flow.take().includes('200')) times.push(ms);
    }
    await settle();

    expect(times).toEqual([500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    expect(log).toEqual(['ended: no ack']);
    expect(flow.take()).toEqual([]);
  });

  test('the BYE after a missing ACK is sent', async () => {
    const { clock, flow } = await answered();

    clock.advance(32_000);
    await settle();

    expect(lastSent(flow, 'BYE').uri).toBe('sip:caller@192.0.2.9:5062');
  });

  test('on TCP it is retransmitted too', async () => {
    const tcp = new FakeFlow('TCP');
    const { clock, incoming, receive } = fakeAgent();
    await receive(invite(), tcp);
    incoming[0]?.accept(new FakeMedia(), logged([]));
    tcp.take();

    clock.advance(500);

    expect(tcp.take()).toEqual(['200']);
  });

  test('an ACK that comes in the very moment the 200 leaves stops it', async () => {
    const agent = fakeAgent();
    await agent.receive(invite());
    const [incoming] = agent.incoming;
    const log: string[] = [];
    const send = agent.flow.send.bind(agent.flow);
    agent.flow.send = (bytes) => {
      const wasSent = send(bytes);
      const last = agent.flow.sent.at(-1);
      if (last?.type === 'response' && last.status === 200) void agent.receive(ackOf(last.to.params.get('tag') ?? ''));
      return wasSent;
    };

    incoming?.accept(new FakeMedia(), logged(log));
    agent.flow.take();
    agent.clock.advance(40_000);

    expect([log, agent.flow.take()]).toEqual([['established'], []]);
  });

  test('hanging up while the ACK is outstanding: the BYE follows the ACK', async () => {
    const { call, flow, log, ack } = await answered();

    call.hangUp();
    expect(flow.take()).toEqual(['100', '180', '200']);
    await ack();

    expect([flow.take(), log]).toEqual([['BYE'], ['ended: hung up']]);
  });

  test('hanging up without ever an ACK: 200s go on, the BYE follows after 64*T1', async () => {
    const { call, clock, flow, log } = await answered();
    call.hangUp();

    clock.advance(31_999);
    expect(flow.take()).not.toContain('BYE');
    clock.advance(1);
    await settle();

    expect([flow.take().includes('BYE'), log]).toEqual([true, ['ended: hung up']]);
  });
});

describe('CANCEL (9.2)', () => {
  test('200 to the CANCEL, then 487 to the INVITE', async () => {
    const { flow, incoming, receive } = fakeAgent();
    await receive(invite());
    const log: string[] = [];
    if (incoming[0]) incoming[0].onCancelled = () => log.push('cancelled');

    await receive(request('CANCEL sip:100@192.0.2.1'));

    expect(
      flow.sent.map(({ cseq, ...message }) => `${'status' in message ? message.status : ''} ${cseq.method}`),
    ).toEqual(['100 INVITE', '200 CANCEL', '487 INVITE']);
    expect(log).toEqual(['cancelled']);
    expect(incoming[0]?.accept(new FakeMedia(), logged([]))).toBeUndefined();
  });

  // SIPp takes the To tag of the newest response for its next request, and met 481.
  test('the 200 to the CANCEL has the To tag of the call', async () => {
    const { flow, incoming, receive } = fakeAgent();
    await receive(invite());
    incoming[0]?.ring();

    await receive(request('CANCEL sip:100@192.0.2.1'));

    const [, ringing, cancelled, refused] = flow.sent.map(({ to }) => to.params.get('tag'));
    expect([cancelled, refused]).toEqual([ringing, ringing]);
    expect(ringing).not.toBe('');
  });

  test('a repeated CANCEL is absorbed with the same 200, not 481', async () => {
    const { flow, receive } = fakeAgent();
    await receive(invite());
    await receive(request('CANCEL sip:100@192.0.2.1'));
    flow.take();

    await receive(request('CANCEL sip:100@192.0.2.1'));

    expect(flow.take()).toEqual(['200']);
  });

  test('after our 200 it changes nothing: the ACK still establishes the call', async () => {
    const { flow, call, receive, ack } = await answered();
    flow.take();

    await receive(request('CANCEL sip:100@192.0.2.1'));
    await ack();

    expect([flow.take(), call.state]).toEqual([['200'], 'established']);
  });

  test('of an INVITE nobody knows: 481', async () => {
    const { flow, receive } = fakeAgent();

    await receive(request('CANCEL sip:100@192.0.2.1'));

    expect(flow.take()).toEqual(['481']);
  });
});

describe('delayed offer', () => {
  test('INVITE without SDP: we offer in the 200, the answer comes in the ACK', async () => {
    const { flow, ack, log, media } = await answered('');

    expect(bodyText(flow.sent.at(-1) ?? { body: new Uint8Array() })).toBe('our offer');
    await ack('Content-Type: application/sdp', '', 'their answer');

    expect([media.log, log]).toEqual([
      ['offer', 'accept their answer'],
      ['media', 'established'],
    ]);
  });

  test('an ACK without the answer ends the call with a BYE', async () => {
    const { flow, ack, log } = await answered('');
    flow.take();

    await ack();

    expect([flow.take(), log]).toEqual([['BYE'], ['ended: media refused']]);
  });
});

describe('reliable provisionals (RFC 3262)', () => {
  const reliable = ['Require: 100rel', ...SDP];

  test('183 carries RSeq, is repeated until its PRACK, and the 200 waits for it', async () => {
    const { flow, incoming, receive, clock } = fakeAgent();
    await receive(invite(...reliable));
    const media = new FakeMedia();
    incoming[0]?.ring(media);
    const early = flow.sent.at(-1);
    incoming[0]?.accept(media, logged([]));
    clock.advance(1500);
    expect(flow.take()).toEqual(['100', '183', '183', '183']);
    const rseq = headerOf(early ?? { headers: [] }, 'RSeq');

    await receive(
      dialogRequest('PRACK', early?.to.params.get('tag') ?? '', ['CSeq: 2 PRACK', `RAck: ${rseq} 1 INVITE`]),
    );

    // SIPp met the 200 of the INVITE first, and gave up.
    expect(flow.sent.map(({ cseq }) => cseq.method)).toEqual(['PRACK', 'INVITE']);
    expect(flow.take()).toEqual(['200', '200']);
    expect(media.log).toEqual(['answer their offer']);
  });

  test('hung up while the 200 waits for the PRACK: 487, and all is forgotten', async () => {
    const { agent, flow, incoming, receive, clock } = fakeAgent();
    await receive(invite(...reliable));
    const log: string[] = [];
    const media = new FakeMedia();
    incoming[0]?.ring(media);
    const call = incoming[0]?.accept(media, logged(log));

    call?.hangUp();
    clock.advance(64_000);

    expect(flow.take().slice(0, 3)).toEqual(['100', '183', '487']);
    expect([log, agent.load.dialogs, clock.pendingTimers]).toEqual([['ended: hung up'], 0, 0]);
  });

  test('a PRACK for another response is 481', async () => {
    const { flow, incoming, receive } = fakeAgent();
    await receive(invite(...reliable));
    incoming[0]?.ring();
    const tag = flow.sent.at(-1)?.to.params.get('tag') ?? '';
    flow.take();

    await receive(dialogRequest('PRACK', tag, ['CSeq: 2 PRACK', 'RAck: 99999999 1 INVITE']));

    expect(flow.take()).toEqual(['481']);
  });

  test('no PRACK in 64*T1: 504', async () => {
    const { flow, incoming, receive, clock } = fakeAgent();
    await receive(invite(...reliable));
    incoming[0]?.ring();

    clock.advance(32_000);

    expect(flow.take().at(-1)).toBe('504');
  });
});
