import { afterEach, describe, expect, test } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { DigestClient } from '../../protocols/digest/digest-client.ts';
import { headerOf } from '../../protocols/sip/message/message.ts';
import type { Protocol } from '../../protocols/sip/transport/flow.ts';
import { answerWithDigest } from '../../protocols/sip/uac/answer-challenge.ts';
import { ADMISSION_LIMITS } from './admission.ts';
import { openRawPhone, rawRequest } from './fakes/raw-phone.ts';
import { ASSISTANT, cryptoRandom, KEY, SipWorld, until, type WorldOptions } from './fakes/sip-world.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function start(options?: WorldOptions): Promise<SipWorld> {
  const world = await SipWorld.open(options);
  open.push(world);
  return world;
}

async function rawPhone(toPort: number) {
  const phone = await openRawPhone(toPort);
  open.push(phone);
  return phone;
}

describe.each<Protocol>(['UDP', 'TCP'])('a call over %s', (protocol) => {
  test('is challenged, answered, attached, hung up by the caller, and nothing is left', async () => {
    const world = await start();
    const phone = await world.phone(protocol);

    const dialled = phone.dial();
    const call = await dialled.answered();
    await until(() => world.calls.attached.length === 1);
    call.hangUp();
    await until(() => world.server.load.dialogs === 0);

    expect(world.calls.log).toEqual(['opened', 'attached', 'media peer_closed']);
    expect(world.calls.announced[0]).toMatchObject({ assistantId: ASSISTANT, from: '+15550199', to: '15550100' });
    expect(dialled.media[0]?.remote).toMatchObject({ address: '127.0.0.1', port: 20_000 });
    expect(world.rtp.calls[0]?.agreed[0]?.codec.name).toBe('PCMU');
    expect([world.rtp.calls[0]?.isDisposed, world.server.load.calls]).toEqual([true, 0]);
  });

  test('our hang-up is a BYE', async () => {
    const world = await start();
    const dialled = (await world.phone(protocol)).dial();
    await dialled.answered();
    await until(() => world.calls.attached.length === 1);

    world.calls.attached[0]?.close();

    expect(await dialled.ended.promise).toBe('peer hung up');
    expect(world.calls.log).toEqual(['opened', 'attached', 'media closed_by_us']);
    expect(world.rtp.calls[0]?.isDisposed).toBe(true);
  });
});

describe('media', () => {
  test('an INVITE without an offer is offered ours, and attached at its ACK', async () => {
    const world = await start();
    const socket = await rawPhone(world.server.ports.udp);
    const user = `${ASSISTANT}:${KEY}`;

    socket.send(
      rawRequest('INVITE', 'late', `Contact: <sip:me@127.0.0.1:${socket.port}>`).replace('sip:', `sip:${user}@`),
    );
    await until(() => socket.heard.includes('200 late'));
    const before = [...world.calls.log];
    const answer =
      'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n';
    socket.send(socket.ack(answer));
    await until(() => world.calls.attached.length === 1);

    expect(before).toEqual(['opened']);
    expect(world.rtp.calls[0]?.agreed[0]?.codec.name).toBe('PCMA');
  });

  test('hold and resume reach the media', async () => {
    const world = await start();
    const dialled = (await world.phone()).dial();
    const call = await dialled.answered();
    const rtp = world.rtp.calls[0];

    dialled.negotiator.direction = 'sendonly';
    call.reoffer();
    await until(() => rtp?.agreed.length === 2);
    dialled.negotiator.direction = 'sendrecv';
    call.reoffer();
    await until(() => rtp?.agreed.length === 3);

    expect(rtp?.agreed.map(({ direction }) => direction)).toEqual(['sendrecv', 'recvonly', 'sendrecv']);
  });

  test('no codec in common: 488, and the context ends as rejected', async () => {
    const world = await start();
    const text = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n';
    const media = { answer: () => undefined, offer: () => text, accept: () => false, rollback: () => {} };

    const refused = await (await world.phone()).dial({ media }).refused();

    expect(refused.status).toBe(488);
    await until(() => world.server.load.calls === 0);
    expect(world.calls.log).toEqual(['opened', 'ended rejected']);
    expect(world.rtp.calls[0]?.isDisposed).toBe(true);
  });

  test('digits of INFO are heard, and a phone that sends each key both ways is heard once', async () => {
    const world = await start();
    const call = await (await world.phone()).dial().answered();
    await until(() => world.calls.attached.length === 1);

    call.sendDigit('5', 160);
    await until(() => world.calls.digits.length === 1);
    world.rtp.calls[0]?.press('5');
    call.sendDigit('#', 160);
    await until(() => world.calls.digits.length === 2);

    expect(world.calls.digits).toEqual(['5', '#']);
  });

  test('a worker that dies ends the call with a BYE', async () => {
    const world = await start();
    const dialled = (await world.phone()).dial();
    await dialled.answered();
    await until(() => world.calls.attached.length === 1);

    world.rtp.calls[0]?.end({ type: 'failed', detail: 'the media worker died' });

    expect(await dialled.ended.promise).toBe('peer hung up');
    expect(world.calls.log).toEqual(['opened', 'attached', 'media failed']);
  });
});

describe('when it does not come to a call', () => {
  test('a caller that gives up while ports are sought: 487, and everything is closed once', async () => {
    const world = await start();
    const gate = Promise.withResolvers<void>();
    world.rtp.gate = gate.promise;
    const dialled = (await world.phone()).dial();
    await until(() => dialled.progress.includes(180) && world.calls.log.length === 1);

    dialled.cancel();
    const refused = await dialled.refused();
    gate.resolve();
    await until(() => world.rtp.calls[0]?.isDisposed === true);

    expect(refused.status).toBe(487);
    expect(world.calls.log).toEqual(['opened', 'ended cancelled']);
    expect(world.server.load.calls).toBe(0);
  });

  test('a CANCEL right behind its INVITE, while the caller is looked up: 487, and no call is opened', async () => {
    const world = await start();
    const gate = Promise.withResolvers<void>();
    world.directory.gate = gate.promise;
    const socket = await rawPhone(world.server.ports.udp);
    const user = `${ASSISTANT}:${KEY}`;

    for (const method of ['INVITE', 'CANCEL'])
      socket.send(rawRequest(method, 'hasty', 'Contact: <sip:me@127.0.0.1>').replace('sip:', `sip:${user}@`));
    await until(() => socket.heard.includes('487 hasty'));
    gate.resolve();
    await until(() => world.server.load.dialogs === 0);

    expect(socket.heard).toEqual(['200 hasty', '487 hasty']);
    expect(world.calls.log).toEqual([]);
  });

  test.each([
    ['calls', 'over_capacity'],
    ['calls', 'database_unavailable'],
    ['ports', 'over_capacity'],
  ] as const)('no %s to be had (%s): 503 with Retry-After', async (what, code) => {
    const world = await start();
    const failure = new AppError(code, { retryAfterSeconds: 7 });
    if (what === 'calls') world.calls.openFailure = failure;
    else world.rtp.failure = failure;

    const refused = await (await world.phone()).dial().refused();

    expect([refused.status, headerOf(refused, 'Retry-After')]).toEqual([503, '7']);
    expect(world.calls.log).toEqual(what === 'calls' ? [] : ['opened', 'ended over_capacity']);
  });

  test('a conversation that cannot start: BYE, and the context ends', async () => {
    const world = await start();
    world.calls.attachFailure = new AppError('draining');
    const dialled = (await world.phone()).dial();
    await dialled.answered();

    expect(await dialled.ended.promise).toBe('peer hung up');
    expect(world.calls.log).toEqual(['opened', 'ended drained']);
    expect(world.rtp.calls[0]?.isDisposed).toBe(true);
  });

  test('a context that another has claimed is left to it', async () => {
    const world = await start();
    world.calls.attachFailure = new AppError('context_claimed');
    const dialled = (await world.phone()).dial();
    await dialled.answered();

    expect(await dialled.ended.promise).toBe('peer hung up');
    expect(world.calls.log).toEqual(['opened']);
  });

  test('drained: new calls and OPTIONS get 503 with Retry-After, the live one goes on', async () => {
    const world = await start();
    const phone = await world.phone();
    const live = phone.dial();
    const call = await live.answered();
    const socket = await rawPhone(world.server.ports.udp);

    world.server.drain();
    const refused = await phone.dial().refused();
    socket.send(rawRequest('OPTIONS', 'drained'));
    await until(() => socket.heard.length === 1);

    expect([refused.status, headerOf(refused, 'Retry-After')]).toEqual([503, '5']);
    expect(socket.heard).toEqual(['503 drained']);
    expect(call.state).toBe('established');
  });

  test('more than a source may send: 503', async () => {
    const world = await start({ limits: { ...ADMISSION_LIMITS, stranger: { burst: 2, perSecond: 0 } } });
    const socket = await rawPhone(world.server.ports.udp);

    for (const name of ['one', 'two', 'three']) socket.send(rawRequest('OPTIONS', name));
    await until(() => socket.heard.length === 3);

    expect(socket.heard.toSorted()).toEqual(['200 one', '200 two', '503 three']);
  });

  test('stopped, it says BYE to live calls', async () => {
    const world = await SipWorld.open();
    const phone = await world.phone();
    const dialled = phone.dial();
    await dialled.answered();

    await world.server[Symbol.asyncDispose]();

    expect(await dialled.ended.promise).toBe('peer hung up');
    await world[Symbol.asyncDispose]();
  });
});

describe('beside calls', () => {
  test('REGISTER: challenged, then 200 with the contact and at most 600 s', async () => {
    const world = await start();
    const { agent, host } = await world.phone();
    const state = Promise.withResolvers<unknown>();

    agent.register({
      registrar: `sip:${host}`,
      aor: `sip:${ASSISTANT}@127.0.0.1`,
      contactUser: 'desk',
      credentials: answerWithDigest(new DigestClient({ username: ASSISTANT, password: KEY }, cryptoRandom.bytes)),
      changed: state.resolve,
    });

    expect(await state.promise).toEqual({ type: 'registered', seconds: 600 });
    expect(world.metrics.value('sip_requests_total', { method: 'REGISTER', outcome: '401' })).toBe(1);
  });

  test('SUBSCRIBE for messages or presence is 489', async () => {
    const world = await start();
    const socket = await rawPhone(world.server.ports.udp);

    socket.send(rawRequest('SUBSCRIBE', 'mwi', 'Event: message-summary'));
    await until(() => socket.heard.length === 1);

    expect(socket.heard).toEqual(['489 mwi']);
  });

  test('a port that is taken is an error that names the setting', async () => {
    const world = await start();

    const opening = SipWorld.open({ settings: { port: world.server.ports.udp } });

    await expect(opening).rejects.toMatchObject({ code: 'not_configured' });
  });

  test('without an external address one line at the start says who hears nothing', async () => {
    const without = await start();
    const having = await start({ settings: { externalIp: '203.0.113.10' } });

    expect(without.log.events.filter((event) => event === 'sip.external_ip_unset')).toHaveLength(1);
    expect(having.log.events).not.toContain('sip.external_ip_unset');
  });

  test('a caller outside the local nets is told the external address', async () => {
    const world = await start({ settings: { externalIp: '203.0.113.10', localNets: ['10.0.0.0/8'] } });
    const dialled = (await world.phone()).dial();
    // Its ACK would go to 203.0.113.10, as Contact says; only the answer is looked at here.
    await dialled.answered();

    expect(dialled.media[0]?.remote.address).toBe('203.0.113.10');
  });
});
