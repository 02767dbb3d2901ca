import { describe, expect, test } from 'vitest';
import { settle } from '../../../../test/fakes/fake-clock.ts';
import { FakeMedia, fakeAgent, lastSent, logged } from '../fakes/agent.ts';
import { answered, dialogRequest, established, INVITE, invite, SDP } from '../fakes/answered-call.ts';
import { FakeFlow, request, responseTo } from '../fakes/wire.ts';
import { bodyText, headerOf } from '../message/message.ts';

describe('requests inside the dialog', () => {
  test('BYE: 200, and the call is over', async () => {
    const { inDialog, log, agent } = await established();

    expect(await inDialog('BYE')).toEqual(['200']);
    expect(log).toEqual(['established', 'ended: peer hung up']);
    expect(agent.load.dialogs).toBe(0);
  });

  test('a dialog nobody knows: 481, but an ACK is never answered', async () => {
    const { flow, receive } = fakeAgent();

    await receive(request('BYE sip:100@192.0.2.1', 'To: <sip:100@192.0.2.1>;tag=unknown'));
    await receive(request('ACK sip:100@192.0.2.1', 'To: <sip:100@192.0.2.1>;tag=unknown', 'CSeq: 9 ACK'));

    expect(flow.take()).toEqual(['481']);
  });

  test('a CSeq lower than the last is 500', async () => {
    const { inDialog } = await established();
    await inDialog('INFO', 'CSeq: 9 INFO');

    expect(await inDialog('INFO', 'CSeq: 8 INFO')).toEqual(['500']);
  });

  test('re-INVITE with an offer: 200 with the answer, 200 until ACK again', async () => {
    const { inDialog, flow, clock, log, media } = await established();

    expect(await inDialog('INVITE', ...INVITE, 'Content-Type: application/sdp', '', 'hold')).toEqual(['200']);
    clock.advance(500);

    expect(flow.take()).toEqual(['200']);
    expect(media.log).toEqual(['answer their offer', 'answer hold']);
    expect(log).toEqual(['established', 'media']);
  });

  test('re-INVITE without SDP: our offer in the 200, the answer in the ACK', async () => {
    const { inDialog, ack, media, log } = await established();

    await inDialog('INVITE', ...INVITE);
    await ack('CSeq: 2 ACK', 'Content-Type: application/sdp', '', 'their answer');

    expect(media.log).toEqual(['answer their offer', 'offer', 'accept their answer']);
    expect(log).toEqual(['established', 'media']);
  });

  test('re-INVITE with no common codec: 488 and the call goes on', async () => {
    const { inDialog, call } = await established();

    expect(await inDialog('INVITE', ...INVITE, 'Content-Type: application/sdp', '', 'no-codec')).toEqual(['488']);
    expect(call.state).toBe('established');
  });

  test('glare: their re-INVITE while ours is open is 491', async () => {
    const { inDialog, call } = await established();
    call.reoffer();

    expect(await inDialog('INVITE', ...INVITE, ...SDP)).toEqual(['INVITE', '491']);
  });

  test('glare: the side that was called waits 0-2 s after a 491', async () => {
    const { call, flow, clock, receive } = await established();
    call.reoffer();
    await receive(responseTo(lastSent(flow, 'INVITE'), 491));
    flow.take();

    clock.advance(2000);
    await settle();

    expect(flow.take()[0]).toBe('INVITE');
  });

  test('a re-INVITE before the ACK of the last 200 is 500 with Retry-After', async () => {
    const { receive, flow, tag } = await answered();
    flow.take();

    await receive(dialogRequest('INVITE', tag, ['CSeq: 2 INVITE', ...INVITE, ...SDP]));

    expect(headerOf(flow.sent[0] ?? { headers: [] }, 'Retry-After')).toMatch(/^(10|[0-9])$/);
    expect(flow.take()).toEqual(['500']);
  });

  test('UPDATE before the first INVITE is answered is 500 with Retry-After', async () => {
    const { flow, incoming, receive } = fakeAgent();
    await receive(invite());
    incoming[0]?.ring();
    const tag = flow.sent.at(-1)?.to.params.get('tag') ?? '';
    flow.take();

    await receive(dialogRequest('UPDATE', tag, ['CSeq: 2 UPDATE', ...SDP]));

    expect(flow.take()).toEqual(['500']);
  });

  test('UPDATE with an offer is answered, without one it refreshes', async () => {
    const { inDialog, flow, media } = await established();

    await inDialog('UPDATE', 'Content-Type: application/sdp', '', 'new offer');
    expect(bodyText(flow.last ?? { body: new Uint8Array() })).toBe('answer to new offer\r\n');
    expect(await inDialog('UPDATE')).toEqual(['200']);
    expect(media.log).toEqual(['answer their offer', 'answer new offer']);
  });

  test('INFO digits in both forms; another body is 415', async () => {
    const { inDialog, log } = await established();

    await inDialog('INFO', 'Content-Type: application/dtmf-relay', '', 'Signal=5', 'Duration=160');
    await inDialog('INFO', 'Content-Type: application/dtmf', '', '11');

    expect(log).toEqual(['established', 'digit 5 160', 'digit # 250']);
    expect(await inDialog('INFO', 'Content-Type: text/plain', '', 'x')).toEqual(['415']);
  });

  test('REFER is refused with 603 unless the user takes it', async () => {
    const { inDialog, log } = await established();

    expect(await inDialog('REFER', 'Refer-To: <sip:200@192.0.2.1>')).toEqual(['603']);
    expect(log).toEqual(['established', 'asked to call sip:200@192.0.2.1']);
  });

  test('the peer moves: requests follow its newest Contact', async () => {
    const { inDialog, call, flows, agent: _ } = await established();

    await inDialog('UPDATE', 'Contact: <sip:caller@198.51.100.4:5080>');
    call.hangUp();
    await settle();

    expect(lastSent(flows.get('198.51.100.4:5080') ?? new FakeFlow(), 'BYE').uri).toBe('sip:caller@198.51.100.4:5080');
  });

  test('a phone behind NAT: requests go where its packets come from, not to its private Contact', async () => {
    const nat = new FakeFlow('UDP', '203.0.113.5:40000');
    const { call, ack } = await answered('Contact: <sip:caller@10.0.0.7:5060>', nat);
    await ack();

    call.hangUp();
    await settle();

    expect(lastSent(nat, 'BYE').uri).toBe('sip:caller@10.0.0.7:5060');
  });
});

describe('session timers (RFC 4028)', () => {
  test('an interval under 90 s is 422 with Min-SE', async () => {
    const { flow, incoming, receive } = fakeAgent();
    await receive(invite('Supported: timer', 'Session-Expires: 60', ...SDP));

    incoming[0]?.accept(new FakeMedia(), logged([]));

    expect(headerOf(flow.sent.at(-1) ?? { headers: [] }, 'Min-SE')).toBe('90');
    expect(flow.take()).toEqual(['100', '422']);
  });

  test('they refresh: without a refresh the call ends min(32 s, a third) before the end', async () => {
    const { flow, clock, ack, log } = await answered('Supported: timer', 'Session-Expires: 300;refresher=uac', ...SDP);
    expect(headerOf(flow.sent.at(-1) ?? { headers: [] }, 'Session-Expires')).toBe('300;refresher=uac');
    await ack();

    clock.advance(267_999);
    expect(log).toEqual(['established']);
    clock.advance(1);
    await settle();

    expect(log).toEqual(['established', 'ended: expired']);
    expect(lastSent(flow, 'BYE').method).toBe('BYE');
  });

  test('a refresh starts the interval anew', async () => {
    const { clock, inDialog, log } = await established(
      'Supported: timer',
      'Session-Expires: 300;refresher=uac',
      ...SDP,
    );
    clock.advance(200_000);

    await inDialog('UPDATE', 'Supported: timer', 'Session-Expires: 300;refresher=uac');
    clock.advance(200_000);

    expect(log).toEqual(['established']);
  });

  test('we refresh at half, by UPDATE where the peer knows it', async () => {
    const { flow, clock } = await established(
      'Supported: timer',
      'Session-Expires: 300;refresher=uas',
      'Allow: INVITE, UPDATE',
      ...SDP,
    );
    flow.take();

    clock.advance(150_000);
    await settle();

    expect(headerOf(lastSent(flow, 'UPDATE'), 'Session-Expires')).toBe('300;refresher=uac');
  });

  test('we refresh by re-INVITE where it does not', async () => {
    const { flow, clock } = await established('Supported: timer', 'Session-Expires: 300;refresher=uas', ...SDP);
    flow.take();

    clock.advance(150_000);
    await settle();

    expect(flow.take()[0]).toBe('INVITE');
  });

  test('a refresh nobody answers ends the call', async () => {
    const { clock, log } = await established(
      'Supported: timer',
      'Session-Expires: 300;refresher=uas',
      'Allow: UPDATE',
      ...SDP,
    );

    clock.advance(182_000);
    await settle();

    expect(log).toEqual(['established', 'ended: lost']);
  });

  test('a peer without the extension gets no timer', async () => {
    const { flow } = await answered();

    expect(headerOf(flow.sent.at(-1) ?? { headers: [] }, 'Session-Expires')).toBeUndefined();
  });
});

test('after a call everything is forgotten', async () => {
  const { agent, clock, inDialog } = await established(
    'Supported: timer',
    'Session-Expires: 1800;refresher=uas',
    ...SDP,
  );

  await inDialog('BYE');
  clock.advance(64_000);

  expect([agent.load.transactions, agent.load.dialogs, clock.pendingTimers]).toEqual([0, 0, 0]);
});
