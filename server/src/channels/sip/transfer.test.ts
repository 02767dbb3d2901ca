import { afterEach, describe, expect, test } from 'vitest';
import type { CallContext } from '../../core/call/call-context.ts';
import type { ContextId, ConversationId } from '../../core/ids.ts';
import type { TransferOrder } from '../../core/ports/call-transfer.ts';
import type { DialOrder } from '../../core/ports/dialer.ts';
import { sipDialer } from './dialer.ts';
import { FakeTrunk } from './fakes/fake-trunk.ts';
import { ASSISTANT, cryptoRandom, PROJECT, SipWorld, until } from './fakes/sip-world.ts';

const CONTEXT = '00000000-0000-4000-8000-0000000000aa' as ContextId;
const NEVER = new AbortController().signal;

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** A call of ours over a trunk that talks; the trunk decides about REFER. */
async function talking(settings: TransferOrder['settings'] = {}) {
  const world = await SipWorld.open();
  const trunk = await FakeTrunk.open();
  open.push(trunk, world);
  const asked: string[] = [];
  let takes = true;
  trunk.onRefer = (target) => {
    asked.push(target);
    return takes;
  };
  const credential = trunk.credential();
  const dialer = sipDialer({ server: () => world.server, hasTls: false, random: cryptoRandom });
  const order: DialOrder = {
    contextId: CONTEXT,
    conversationId: '1' as ConversationId,
    assistantId: ASSISTANT,
    credential,
    settings: {},
    to: '+14155552671',
    from: '+14155550100',
    ringTimeoutSeconds: 30,
    maxDurationSeconds: 600,
    hasMachineDetection: false,
    publicHost: null,
  };
  await dialer.dial(order, NEVER);
  await until(() => world.calls.attached.length === 1);
  const transfer = (wish: Partial<TransferOrder> = {}, signal = NEVER) =>
    world.server.transfers.transfer(
      {
        context: contextOf(CONTEXT),
        credential,
        settings,
        to: '+14155550177',
        ringTimeoutSeconds: 20,
        publicHost: null,
        ...wish,
      },
      signal,
    );
  const notify = (status: number) => trunk.answered[0]?.notifyTransfer(status);
  const refuseRefer = () => {
    takes = false;
  };
  return { world, trunk, asked, transfer, notify, refuseRefer, credential };
}

describe('by REFER', () => {
  test('the trunk is asked to call, and its last NOTIFY says that both talk', async () => {
    const { trunk, asked, transfer, notify } = await talking();
    const outcome = transfer();
    await until(() => asked.length === 1);

    notify(180);
    notify(200);

    expect(await outcome).toEqual({ type: 'connected' });
    expect(asked).toEqual([`sip:+14155550177@127.0.0.1:${trunk.port};transport=udp`]);
    expect(trunk.calls).toHaveLength(1);
  });

  test.each([
    [486, 'busy'],
    [408, 'no_answer'],
    [603, 'rejected'],
    [404, 'unreachable'],
  ])('%i in the last NOTIFY: %s, and the call goes on', async (status, reason) => {
    const { world, asked, transfer, notify } = await talking();
    const outcome = transfer();
    await until(() => asked.length === 1);

    notify(status);

    expect(await outcome).toMatchObject({ type: 'failed', reason });
    expect(world.calls.ends).toEqual([]);
    expect(world.server.load.calls).toBe(1);
  });

  test('a SIP URI goes out as it is', async () => {
    const { asked, transfer, notify } = await talking();
    const outcome = transfer({ to: 'sip:sales@pbx.example' });
    await until(() => asked.length === 1);

    notify(200);

    expect([asked, await outcome]).toEqual([['sip:sales@pbx.example'], { type: 'connected' }]);
  });

  test('the caller hangs up while it rings: cancelled', async () => {
    const { world, asked, transfer, notify } = await talking();
    const gone = new AbortController();
    const outcome = transfer({}, gone.signal);
    await until(() => asked.length === 1);
    notify(180);
    await until(() =>
      world.log.entries.some(({ event, fields }) => event === 'sip.transfer' && fields['status'] === 180),
    );

    gone.abort();

    expect(await outcome).toMatchObject({ type: 'failed', reason: 'cancelled' });
  });

  test('nobody tells how it went: no_answer in the end', async () => {
    const { asked, transfer } = await talking();
    const outcome = transfer({ ringTimeoutSeconds: -4.9 });
    await until(() => asked.length === 1);

    expect(await outcome).toMatchObject({ type: 'failed', reason: 'no_answer' });
  });
});

describe('where REFER is refused', () => {
  test('a call of ours goes to the target, and both talk through us until one hangs up', async () => {
    const { world, trunk, transfer, refuseRefer } = await talking();
    refuseRefer();

    expect(await transfer()).toEqual({ type: 'connected' });
    world.calls.attached[0]?.close();
    await until(() => world.calls.ends.length === 1);
    expect(world.server.load.calls).toBe(2);
    expect(trunk.calls[1]?.request.uri).toContain('sip:+14155550177@');
    expect(trunk.calls[1]?.request.from.uri).toBe('sip:+14155550100@127.0.0.1');
    trunk.answered[0]?.hangUp();
    await until(() => world.server.load.calls === 0);

    await until(() => trunk.ends.length === 2);
    expect(trunk.ends.sort()).toEqual(['hung up', 'peer hung up']);
    expect(world.rtp.calls.map(({ isDisposed }) => isDisposed)).toEqual([true, true]);
  });

  test('it counts as a live call from then on, and told to end we say BYE to both', async () => {
    const { world, trunk, transfer } = await talking({ transfer: 'bridge' });

    await transfer();
    world.calls.attached[0]?.close();
    await until(() => world.calls.ends.length === 1);
    expect(world.calls.carried.map(({ contextId }) => contextId)).toEqual([CONTEXT]);
    expect(world.calls.log).not.toContain('parted');
    world.calls.carried[0]?.end();
    await until(() => world.calls.log.includes('parted'));

    await until(() => trunk.ends.length === 2);
    expect(trunk.ends).toEqual(['peer hung up', 'peer hung up']);
    await until(() => world.server.load.calls === 0);
  });

  test.each([
    [486, 'busy'],
    [480, 'no_answer'],
    [603, 'rejected'],
    [404, 'unreachable'],
  ])('the target answers %i: %s, and the call goes on', async (status, reason) => {
    const { world, trunk, transfer, refuseRefer } = await talking();
    refuseRefer();
    trunk.onCall = (call) => call.reject(status);

    expect(await transfer()).toMatchObject({ type: 'failed', reason });
    expect([world.calls.ends, world.server.load.calls, world.calls.carried]).toEqual([[], 1, []]);
  });

  test('the caller hangs up while the target rings: CANCEL', async () => {
    const { world, trunk, transfer } = await talking({ transfer: 'bridge' });
    trunk.onCall = (call) => call.ring();
    const gone = new AbortController();
    const outcome = transfer({}, gone.signal);
    await until(() => trunk.calls.length === 2);
    trunk.answered[0]?.hangUp();
    await until(() => world.calls.ends.length === 1);

    gone.abort();

    expect(await outcome).toMatchObject({ type: 'failed', reason: 'cancelled' });
    await until(() => world.server.load.calls === 0);
    expect(trunk.ends).toContain('cancelled');
  });

  test('nobody answers in the ring time', async () => {
    const { trunk, transfer } = await talking({ transfer: 'bridge' });
    trunk.onCall = (call) => call.ring();

    expect(await transfer({ ringTimeoutSeconds: 0.05 })).toMatchObject({ type: 'failed', reason: 'no_answer' });
    await until(() => trunk.ends.includes('cancelled'));
  });

  test('without a trunk there is no other way', async () => {
    const { transfer, refuseRefer, asked, trunk } = await talking();
    refuseRefer();

    expect(await transfer({ credential: null })).toMatchObject({ type: 'failed', reason: 'unreachable' });
    expect(asked).toEqual([`sip:+14155550177@127.0.0.1:${trunk.port}`]);
  });

  test('and refer is all that is allowed, it fails', async () => {
    const { transfer, refuseRefer, trunk } = await talking({ transfer: 'refer' });
    refuseRefer();

    expect(await transfer()).toMatchObject({ type: 'failed', reason: 'unreachable' });
    expect(trunk.calls).toHaveLength(1);
  });
});

test('a call that came in is handed over, too', async () => {
  const world = await SipWorld.open();
  const trunk = await FakeTrunk.open();
  open.push(trunk, world);
  const phone = (await world.phone()).dial();
  await phone.answered();
  await until(() => world.calls.attached.length === 1);
  const contextId = '00000000-0000-4000-8000-000000000001' as ContextId;
  const context = { ...contextOf(contextId), direction: 'inbound' as const, to: '+14155550100', from: '+15550199' };
  const order = { context, credential: trunk.credential(), settings: {}, publicHost: null };

  expect(world.server.transfers.objection(order)).toBeNull();
  const outcome = await world.server.transfers.transfer({ ...order, to: '200', ringTimeoutSeconds: 20 }, NEVER);
  trunk.answered[0]?.hangUp();

  expect(outcome).toEqual({ type: 'connected' });
  expect(await phone.ended.promise).toBe('peer hung up');
  expect(trunk.calls[0]?.request.from.uri).toBe('sip:+14155550100@127.0.0.1');
});

test('a call of another server cannot be handed over here', async () => {
  const { world } = await talking();
  const context = contextOf('00000000-0000-4000-8000-0000000000ff' as ContextId);

  expect(world.server.transfers.objection({ context, credential: null, settings: {}, publicHost: null })).toMatch(
    /not on/,
  );
});

function contextOf(contextId: ContextId): CallContext {
  return {
    contextId,
    conversationId: '1' as ConversationId,
    attempt: 1,
    projectId: PROJECT,
    assistantId: ASSISTANT,
    assistantVersion: 1,
    deploymentId: null,
    credentialId: null,
    channel: 'sip',
    direction: 'outbound',
    from: '+14155550100',
    to: '+14155552671',
    providerCallId: null,
    isUnverified: false,
    metadata: {},
    args: {},
    status: 'claimed',
    claimedBy: null,
    expiresAt: new Date(0),
  } as CallContext;
}
