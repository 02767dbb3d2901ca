import { afterEach, describe, expect, test } from 'vitest';
import { noAccount } from '../../core/credential/credential.ts';
import { AppError } from '../../core/errors.ts';
import type { ContextId, ConversationId } from '../../core/ids.ts';
import type { DialOrder } from '../../core/ports/dialer.ts';
import { DigestClient } from '../../protocols/digest/digest-client.ts';
import { headerOf } from '../../protocols/sip/message/message.ts';
import { answerWithDigest } from '../../protocols/sip/uac/answer-challenge.ts';
import { sipDialer } from './dialer.ts';
import { FakeTrunk } from './fakes/fake-trunk.ts';
import { ASSISTANT, cryptoRandom, KEY, PROJECT, SipWorld, until } from './fakes/sip-world.ts';

const CONTEXT = '00000000-0000-4000-8000-0000000000aa' as ContextId;
const NEVER = new AbortController().signal;

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function start(transport: 'udp' | 'tcp' = 'udp', credential: Record<string, string> = {}) {
  const world = await SipWorld.open();
  const trunk = await FakeTrunk.open(transport);
  open.push(trunk, world);
  const dialer = sipDialer({ server: () => world.server, hasTls: false, random: cryptoRandom });
  const order: DialOrder = {
    contextId: CONTEXT,
    conversationId: '1' as ConversationId,
    assistantId: ASSISTANT,
    credential: trunk.credential(credential),
    settings: {},
    to: '+14155552671',
    from: '+14155550100',
    ringTimeoutSeconds: 30,
    maxDurationSeconds: 600,
    hasMachineDetection: false,
    publicHost: null,
  };
  const dial = (wish: Partial<DialOrder> = {}, signal = NEVER) => dialer.dial({ ...order, ...wish }, signal);
  return { world, trunk, dialer, order, dial };
}

describe.each(['udp', 'tcp'] as const)('a call of ours over %s', (transport) => {
  test('answers the digest, brings its media, and ends with a BYE of either side', async () => {
    const { world, trunk, dial } = await start(transport, { username: 'line7', password: 'secret' });
    trunk.login = 'line7:secret';

    const outcome = await dial();
    await until(() => world.calls.attached.length === 1);
    await until(() => trunk.media.length === 1);
    world.calls.attached[0]?.close();
    await until(() => trunk.ends.length === 1);

    expect(outcome).toEqual({ type: 'placed', providerCallId: trunk.calls[0]?.request.callId });
    expect(trunk.calls[0]?.request.uri).toBe(`sip:+14155552671@127.0.0.1:${trunk.port};transport=${transport}`);
    expect(trunk.calls[0]?.request.from.uri).toBe('sip:+14155550100@127.0.0.1');
    expect(trunk.ends).toEqual(['peer hung up']);
    expect(world.calls.log).toEqual(['attached', 'media closed_by_us']);
    expect(world.rtp.calls[0]?.agreed[0]?.codec.name).toBe('PCMA');
    await until(() => world.server.load.dialogs === 0);
    expect([world.server.load.calls, world.rtp.calls[0]?.isDisposed]).toEqual([0, true]);
  });

  test('the callee hangs up', async () => {
    const { world, trunk, dial } = await start(transport);
    await dial();
    await until(() => world.calls.attached.length === 1);

    trunk.answered[0]?.hangUp();
    await until(() => world.calls.ends.length === 1);

    expect(world.calls.log).toEqual(['attached', 'media peer_closed']);
    await until(() => world.server.load.calls === 0);
  });
});

describe('when nobody answers', () => {
  test.each([
    [486, 'busy'],
    [600, 'busy'],
    [480, 'no_answer'],
    [408, 'no_answer'],
    [603, 'rejected'],
    [403, 'rejected'],
    [404, 'carrier_failed'],
    [500, 'carrier_failed'],
  ])('%i after it rang ends the call as %s', async (status, reason) => {
    const { world, trunk, dial } = await start();
    trunk.onCall = (call) => call.ring();
    const outcome = await dial();

    trunk.calls[0]?.reject(status);
    await until(() => world.calls.log.length === 1);

    expect(outcome.type).toBe('placed');
    expect(world.calls.log).toEqual([`ended ${reason}`]);
    await until(() => world.server.load.calls === 0);
  });

  test.each([
    [486, 'busy'],
    [480, 'no_answer'],
    [603, 'rejected'],
  ])('%i at once was a call all the same, and ended as %s', async (status, reason) => {
    const { world, trunk, dial } = await start();
    trunk.onCall = (call) => call.reject(status);

    expect((await dial()).type).toBe('placed');
    expect(world.calls.log).toEqual([`ended ${reason}`]);
  });

  test('503 at once may be tried again, when the trunk says so', async () => {
    const { world, trunk, dial } = await start();
    trunk.onCall = (call) => call.reject(503, [{ name: 'Retry-After', value: '7' }]);

    expect(await dial()).toMatchObject({ type: 'refused', isRetryable: true, retryAfterSeconds: 7 });
    expect(world.calls.log).toEqual([]);
  });

  test.each([404, 403, 484])('%i at once is final, and says why', async (status) => {
    const { trunk, dial } = await start();
    trunk.onCall = (call) => call.reject(status);

    expect(await dial()).toMatchObject({
      type: 'refused',
      isRetryable: false,
      detail: expect.stringContaining(`answered ${status}`),
    });
  });

  test.each([
    [{}, 'sip:+14155550100@127.0.0.1', undefined],
    [{ caller_id: 'p-asserted-identity' }, 'sip:line7@127.0.0.1', '<sip:+14155550100@127.0.0.1>'],
  ])('with %o From is %s', async (values, from, asserted) => {
    const { trunk, dial } = await start('udp', { username: 'line7', password: 'secret', ...values });
    trunk.onCall = (call) => call.reject(404);

    await dial();

    const [call] = trunk.calls;
    expect(call?.request.from.uri).toBe(from);
    expect(call && headerOf(call.request, 'P-Asserted-Identity')).toBe(asserted);
  });

  test('a wrong password is final', async () => {
    const { trunk, dial } = await start('udp', { username: 'line7', password: 'wrong' });
    trunk.login = 'line7:secret';

    expect(await dial()).toMatchObject({ type: 'refused', isRetryable: false });
    expect(trunk.calls).toEqual([]);
  });

  test('an answer without a common codec is refused after its ACK', async () => {
    const { world, trunk, dial } = await start();
    trunk.onCall = (call) => {
      call.accept(
        { answer: () => 'v=0', offer: () => '', accept: () => false, rollback: () => {} },
        { ended: (why) => void trunk.ends.push(why) },
      );
    };

    expect(await dial()).toMatchObject({ type: 'refused', isRetryable: false });
    await until(() => trunk.ends.length === 1);
    expect(trunk.ends).toEqual(['peer hung up']);
    expect(world.calls.log).toEqual([]);
  });

  test('the ring time is over: CANCEL, no_answer', async () => {
    const { world, trunk, dial } = await start();
    trunk.onCall = (call) => call.ring();

    await dial({ ringTimeoutSeconds: 0.05 });
    await until(() => world.calls.log.length === 1);

    expect(trunk.ends).toEqual(['cancelled']);
    expect(world.calls.log).toEqual(['ended no_answer']);
  });

  test('a trunk that is silent is given up in time, and may be tried again at once', async () => {
    const { world, trunk, dial } = await start();
    const silent = await FakeTrunk.open();
    await silent[Symbol.asyncDispose]();
    const giveUp = new AbortController();
    const first = dial({ credential: silent.credential() }, giveUp.signal);
    await until(() => world.rtp.calls.length === 1);

    giveUp.abort();

    expect(await first).toMatchObject({ type: 'refused', isRetryable: true });
    expect((await dial()).type).toBe('placed');
    await until(() => world.calls.attached.length === 1);
    expect(trunk.calls).toHaveLength(1);
  });

  test('no free port: another try may have one', async () => {
    const { world, trunk, dial } = await start();
    world.rtp.failure = new AppError('over_capacity');

    expect(await dial()).toMatchObject({ type: 'refused', isRetryable: true });
    expect(trunk.calls).toEqual([]);
    expect(world.server.load.calls).toBe(0);
  });

  test('a name that leads nowhere', async () => {
    const { trunk, dial } = await start();

    const outcome = await dial({ credential: trunk.credential({ host: 'trunk.invalid' }) });

    expect(outcome).toMatchObject({ type: 'refused', isRetryable: true });
  });
});

describe('a call that rings', () => {
  test('is taken back when its record is closed elsewhere, without another word about its end', async () => {
    const { world, trunk, dial, dialer } = await start();
    trunk.onCall = (call) => call.ring();
    await dial();

    dialer.ended?.(CONTEXT);
    await until(() => world.server.load.calls === 0);

    expect(trunk.ends).toEqual(['cancelled']);
    expect(world.calls.log).toEqual([]);
  });

  test('is found here, and hung up by its Call-ID; one of another process is not "never placed"', async () => {
    const { world, trunk, dial, dialer, order } = await start();
    trunk.onCall = (call) => call.ring();
    const outcome = await dial();
    const id = outcome.type === 'placed' ? outcome.providerCallId : '';

    expect(await dialer.find(order, new Date(), NEVER)).toEqual([id]);
    await dialer.hangUp(order.credential, id, NEVER);
    await until(() => world.server.load.calls === 0);

    await expect(dialer.find(order, new Date(), NEVER)).rejects.toThrow(AppError);
  });

  test('ends as drained when this server stops taking calls', async () => {
    const { world, trunk, dial } = await start();
    trunk.onCall = (call) => call.ring();
    await dial();

    world.server.drain();
    await until(() => trunk.ends.length === 1);

    expect(world.calls.log).toEqual(['ended drained']);
    expect(await dial({ contextId: 'another' as ContextId })).toMatchObject({ type: 'refused', isRetryable: true });
  });

  test('early media reaches nobody; the answer changes where it goes', async () => {
    const { world, trunk, dial } = await start();
    trunk.onCall = (call) => {
      call.ring({
        answer: () => EARLY_ANSWER,
        offer: () => '',
        accept: () => true,
        rollback: () => {},
      });
    };
    await dial();
    expect(world.rtp.calls[0]?.agreed).toEqual([]);
    expect(world.calls.attached).toEqual([]);
    const [call] = trunk.calls;
    if (call) trunk.accept(call);
    await until(() => world.calls.attached.length === 1);

    expect(world.rtp.calls[0]?.agreed.map(({ remote }) => remote.port)).toEqual([41_000]);
  });
});

test('an answered call whose record was closed meanwhile is hung up', async () => {
  const { world, trunk, dial } = await start();
  world.calls.attachFailure = new AppError('context_expired');

  expect((await dial()).type).toBe('placed');
  await until(() => trunk.ends.length === 1);

  expect(world.calls.log).toEqual([]);
});

test('a call that lasts too long ends as max_duration', async () => {
  const { world, dial } = await start();

  await dial({ maxDurationSeconds: 0.05 });
  await until(() => world.calls.log.length === 2);

  expect(world.calls.log).toEqual(['attached', 'ended max_duration']);
});

test('a phone that has registered is called by the name of its Contact, by the flow it came by', async () => {
  const { world, trunk, dial } = await start();
  const phone = await FakeTrunk.open('tcp');
  open.push(phone);
  const states: string[] = [];
  phone.agent.register({
    registrar: `sip:127.0.0.1:${world.server.ports.tcp};transport=tcp`,
    aor: `sip:${ASSISTANT}@127.0.0.1`,
    contactUser: 'desk',
    credentials: answerWithDigest(new DigestClient({ username: ASSISTANT, password: KEY }, cryptoRandom.bytes)),
    changed: ({ type }) => void states.push(type),
  });
  await until(() => states.length === 1);

  expect((await dial({ to: 'desk' })).type).toBe('placed');
  await until(() => world.calls.attached.length === 1);

  expect(states).toEqual(['registered']);
  expect([phone.calls.length, trunk.calls.length]).toEqual([1, 0]);
});

test('without a trunk and without such a phone it may be tried again: it may register, or be known to another process', async () => {
  const { trunk, dial } = await start();

  const outcome = await dial({ to: 'desk', credential: noAccount(PROJECT, 'sip') });

  expect(outcome).toMatchObject({ type: 'refused', isRetryable: true });
  expect(trunk.calls).toEqual([]);
});

const EARLY_ANSWER = [
  'v=0',
  'o=- 7 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40998 RTP/AVP 0',
  '',
].join('\r\n');
