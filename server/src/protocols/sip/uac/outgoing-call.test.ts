import { describe, expect, test } from 'vitest';
import { settle } from '../../../../test/fakes/fake-clock.ts';
import { DigestClient } from '../../digest/digest-client.ts';
import { FakeMedia, fakeAgent, lastSent } from '../fakes/agent.ts';
import { ANSWER, placed } from '../fakes/placed-call.ts';
import { FakeFlow, request, responseTo } from '../fakes/wire.ts';
import { bodyText, headerOf } from '../message/message.ts';
import { answerWithDigest } from './answer-challenge.ts';

describe('a call goes out (13.2)', () => {
  test('the INVITE: our offer, Contact, rport, timers', async () => {
    const { invite } = await placed();

    expect(bodyText(invite())).toBe('our offer');
    expect([invite().uri, invite().to.uri]).toEqual(['sip:100@192.0.2.9:5062', 'sip:100@192.0.2.9']);
    expect(invite().vias[0].params.has('rport')).toBe(true);
    expect(headerOf(invite(), 'Contact')).toBe('<sip:192.0.2.1:5090>');
    expect(headerOf(invite(), 'Session-Expires')).toBe('1800');
  });

  test('180, 200: ACK to the Contact, the answer is taken', async () => {
    const { reply, flow, log, media } = await placed();

    await reply(180);
    await reply(200, ...ANSWER);

    expect(log).toEqual(['progress 180', 'answered', 'established', 'media']);
    expect(media.log).toEqual(['offer', 'accept their answer']);
    expect(lastSent(flow, 'ACK')).toMatchObject({ uri: 'sip:100@192.0.2.9:5062', cseq: { method: 'ACK' } });
  });

  test('the ACK goes out again for each copy of the 200', async () => {
    const { reply, flow } = await placed();
    await reply(200, ...ANSWER);
    await reply(200, ...ANSWER);
    await reply(200, ...ANSWER);

    expect(flow.take()).toEqual(['INVITE', 'ACK', 'ACK', 'ACK']);
  });

  test('the first provisional response is told, a 100 too, and only the first', async () => {
    let count = 0;
    const handlers = { ended: () => {}, answered: () => {}, refused: () => {}, trying: () => void count++ };
    const { reply } = await placed({ handlers });

    await reply(100);
    await reply(180);

    expect(count).toBe(1);
  });

  test('a flow that is handed in is used, whatever the address says', async () => {
    const flow = new FakeFlow('UDP', '198.51.100.7:1024');

    const { agent } = fakeAgent();
    agent.call({
      to: 'sip:desk@10.0.0.5',
      from: { uri: 'sip:us@192.0.2.1', params: new Map() },
      media: new FakeMedia(),
      flow,
      handlers: { ended: () => {}, answered: () => {}, refused: () => {} },
    });
    await settle();

    expect(lastSent(flow, 'INVITE').uri).toBe('sip:desk@10.0.0.5');
  });

  test('an answer that cannot be used: ACK, then BYE', async () => {
    const { reply, flow, log } = await placed();

    await reply(200, 'Content-Type: application/sdp', '', 'no-codec');

    expect(flow.take()).toEqual(['INVITE', 'ACK', 'BYE']);
    expect(log).toEqual(['answered', 'established', 'ended: media refused']);
  });

  test('a redirection is a refusal', async () => {
    const { reply, log, flow } = await placed();

    await reply(302, 'Contact: <sip:elsewhere@198.51.100.1>');

    expect([log, flow.take()]).toEqual([['refused 302'], ['INVITE', 'ACK']]);
  });

  test('nobody answers the INVITE: 408 after 32 s', async () => {
    const { clock, log } = await placed();

    clock.advance(32_000);
    await settle();

    expect(log).toEqual(['refused 408']);
  });

  test('422: once more with the interval the peer asks for', async () => {
    const { reply, invite, log } = await placed();
    const { number } = invite().cseq;

    await reply(422, 'Min-SE: 3600');
    await settle();

    expect(headerOf(invite(), 'Session-Expires')).toBe('3600');
    expect([invite().cseq.number, log]).toEqual([number + 1, []]);
  });
});

describe('CANCEL (9.1)', () => {
  test('before any provisional response it waits for one', async () => {
    const { outgoing, reply, flow } = await placed();

    outgoing.cancel();
    expect(flow.take()).toEqual(['INVITE']);
    await reply(180);

    expect(flow.take()).toEqual(['CANCEL']);
  });

  test('it repeats the branch, Request-URI and CSeq number of the INVITE', async () => {
    const { outgoing, reply, flow, invite } = await placed();
    const sent = invite();
    await reply(180);

    outgoing.cancel();

    const cancel = lastSent(flow, 'CANCEL');
    expect([cancel.vias[0].params.get('branch'), cancel.uri, cancel.cseq.number]).toEqual([
      sent.vias[0].params.get('branch'),
      sent.uri,
      sent.cseq.number,
    ]);
  });

  test('487 ends it', async () => {
    const { outgoing, reply, log } = await placed();
    await reply(180);
    outgoing.cancel();

    await reply(487);

    expect(log).toEqual(['progress 180', 'refused 487']);
  });

  test('a 200 that crosses it: ACK, then BYE, and no call', async () => {
    const { outgoing, reply, flow, log } = await placed();
    await reply(180);
    outgoing.cancel();
    flow.take();

    await reply(200, ...ANSWER);

    expect(flow.take()).toEqual(['ACK', 'BYE']);
    expect(log).toEqual(['progress 180', 'refused 487']);
  });

  test('no final response in 64*T1 after it: given up', async () => {
    const { outgoing, reply, clock, log, agent } = await placed();
    await reply(180);
    outgoing.cancel();

    clock.advance(32_000);
    await settle();

    expect(log).toEqual(['progress 180', 'refused 487']);
    clock.advance(64_000);
    expect(agent.load.transactions).toBe(0);
  });

  test('the ring time-out cancels by itself', async () => {
    const { reply, clock, flow } = await placed({ ringTimeoutMs: 20_000 });
    await reply(180);
    flow.take();

    clock.advance(20_000);

    expect(flow.take()).toEqual(['CANCEL']);
  });
});

describe('early media and forking', () => {
  test('183 with SDP is heard at once; the same answer in the 200 is not taken twice', async () => {
    const { reply, media, log } = await placed();

    await reply(183, ...ANSWER);
    await reply(200, ...ANSWER);

    expect(media.log).toEqual(['offer', 'accept their answer']);
    expect(log).toEqual(['progress 183', 'early media', 'answered', 'established', 'media']);
  });

  test('a late 200 of another branch with another SDP is taken anew', async () => {
    const { reply, media } = await placed();
    await reply(183, 'To-Tag: one', ...ANSWER);

    await reply(200, 'To-Tag: two', 'Content-Type: application/sdp', '', 'other answer');

    expect(media.log).toEqual(['offer', 'accept their answer', 'accept other answer']);
  });

  test('the 200 of a second branch: ACK each time, BYE once', async () => {
    const { reply, flow, log } = await placed();
    await reply(200, 'To-Tag: one', ...ANSWER);
    flow.take();

    await reply(200, 'To-Tag: two', ...ANSWER);
    await reply(200, 'To-Tag: two', ...ANSWER);

    expect(flow.take()).toEqual(['ACK', 'BYE', 'ACK']);
    expect(log).toEqual(['answered', 'established', 'media']);
  });

  test('a reliable 183 is confirmed by one PRACK, its repetition by none', async () => {
    const { reply, flow, log } = await placed();
    await reply(183, 'Require: 100rel', 'RSeq: 9021', ...ANSWER);
    await reply(183, 'Require: 100rel', 'RSeq: 9021', ...ANSWER);

    const prack = lastSent(flow, 'PRACK');
    expect(headerOf(prack, 'RAck')).toMatch(/^9021 \d+ INVITE$/);
    expect([flow.take(), log]).toEqual([
      ['INVITE', 'PRACK'],
      ['progress 183', 'early media'],
    ]);
  });
});

describe('challenges (22)', () => {
  const credentials = () =>
    answerWithDigest(new DigestClient({ username: 'us', password: 'secret' }, (count) => new Uint8Array(count)));
  const md5 = 'WWW-Authenticate: Digest realm="pbx", nonce="n1", qop="auth", algorithm=MD5';
  const sha = 'WWW-Authenticate: Digest realm="pbx", nonce="n2", qop="auth", algorithm=SHA-256';

  test('401 with two challenges: the INVITE again, CSeq one higher, same Call-ID and From tag, new branch', async () => {
    const { reply, invite, log } = await placed({ credentials: credentials() });
    const first = invite();

    await reply(401, md5, sha);
    const second = invite();

    expect(headerOf(second, 'Authorization')).toContain('algorithm=SHA-256');
    expect([second.cseq.number - first.cseq.number, second.callId, second.from]).toEqual([1, first.callId, first.from]);
    expect(second.vias[0].params.get('branch')).not.toBe(first.vias[0].params.get('branch'));
    expect(log).toEqual([]);
  });

  test('407 is answered by Proxy-Authorization', async () => {
    const { reply, invite } = await placed({ credentials: credentials() });

    await reply(407, 'Proxy-Authenticate: Digest realm="pbx", nonce="n1"');

    expect(headerOf(invite(), 'Proxy-Authorization')).toContain('username="us"');
  });

  test('a second 401 means a wrong password: refused', async () => {
    const { reply, log } = await placed({ credentials: credentials() });

    await reply(401, md5);
    await reply(401, md5);

    expect(log).toEqual(['refused 401']);
  });

  test('without credentials a 401 is final', async () => {
    const { reply, log } = await placed();

    await reply(401, md5);

    expect(log).toEqual(['refused 401']);
  });

  test('the BYE of a challenged call counts its CSeq on', async () => {
    const { reply, calls, flow, invite } = await placed({ credentials: credentials() });
    await reply(401, md5);
    const { number } = invite().cseq;
    await reply(200, ...ANSWER);

    calls[0]?.hangUp();
    await settle();

    expect(lastSent(flow, 'BYE').cseq.number).toBe(number + 1);
  });
});

describe('inside an outgoing call', () => {
  test('glare: a 491 to our re-INVITE is tried again after 2.1-4 s by the caller', async () => {
    const { reply, calls, flow, clock, media } = await placed();
    await reply(200, ...ANSWER);
    flow.take();
    calls[0]?.reoffer();
    await reply(491);
    expect(flow.take()).toEqual(['INVITE', 'ACK']);

    clock.advance(2099);
    expect(flow.take()).toEqual([]);
    clock.advance(1901);
    await settle();

    expect(flow.take()).toContain('INVITE');
    expect(media.log).toEqual(['offer', 'accept their answer', 'offer', 'rollback', 'offer']);
  });

  test('a re-INVITE refused with 488 leaves the call as it was', async () => {
    const { reply, calls, media } = await placed();
    await reply(200, ...ANSWER);
    calls[0]?.reoffer();

    await reply(488);

    expect([calls[0]?.state, media.log.at(-1)]).toEqual(['established', 'rollback']);
  });

  test('a re-INVITE answered 481 ends the call', async () => {
    const { reply, calls, log } = await placed();
    await reply(200, ...ANSWER);
    calls[0]?.reoffer();

    await reply(481);

    expect(log.at(-1)).toBe('ended: lost');
  });

  test('REFER out: NOTIFYs tell the progress, the last one ends the subscription', async () => {
    const { reply, calls, flow, log, receive } = await placed();
    await reply(200, ...ANSWER);
    calls[0]?.transfer('sip:+15551234@192.0.2.9');
    const refer = lastSent(flow, 'REFER');
    expect(headerOf(refer, 'Refer-To')).toBe('<sip:+15551234@192.0.2.9>');
    await receive(responseTo(refer, 202));

    const notify = (cseq: number, state: string, fragment: string) =>
      receive({
        ...request(
          'NOTIFY sip:us@192.0.2.1',
          `CSeq: ${cseq} NOTIFY`,
          `Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKn${cseq}`,
          'Event: refer',
          `Subscription-State: ${state}`,
          'Content-Type: message/sipfrag',
          '',
          fragment,
        ),
        callId: refer.callId,
        from: refer.to,
        to: refer.from,
      });
    await notify(1, 'active;expires=60', 'SIP/2.0 180 Ringing');
    await notify(2, 'terminated;reason=noresource', 'SIP/2.0 200 OK');

    expect(log.slice(-2)).toEqual(['transfer 180', 'transfer 200 final']);
    expect(flow.take().slice(-2)).toEqual(['200', '200']);
  });

  test('a REFER that is refused is told as final', async () => {
    const { reply, calls, flow, log, receive } = await placed();
    await reply(200, ...ANSWER);
    calls[0]?.transfer('sip:+15551234@192.0.2.9');

    await receive(responseTo(lastSent(flow, 'REFER'), 603));

    expect(log.at(-1)).toBe('transfer 603 final');
  });

  test('a digit by INFO', async () => {
    const { reply, calls, flow } = await placed();
    await reply(200, ...ANSWER);

    calls[0]?.sendDigit('5', 160);

    expect(bodyText(lastSent(flow, 'INFO'))).toBe('Signal=5\r\nDuration=160\r\n');
  });
});
