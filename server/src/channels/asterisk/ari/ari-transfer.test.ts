import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { realClock } from '../../../../test/fakes/real-clock.ts';
import type { CallContext } from '../../../core/call/call-context.ts';
import type { TransferOrder, TransferOutcome } from '../../../core/ports/call-transfer.ts';
import { systemRandom } from '../../../runtime/system-random.ts';
import type { AriLinks } from './ari-links.ts';
import { ariTransfer } from './ari-transfer.ts';
import { bridged, changed, destroyed, dialled, FakeAri, testLinks } from './fakes/fake-ari.ts';

const CALLER = '1795246880.2';

let ari: FakeAri;
let links: AriLinks;
let stop: AbortController;

beforeEach(async () => {
  ari = await FakeAri.start();
  links = testLinks().links;
  stop = new AbortController();
  ari.channels.set(CALLER, { id: CALLER, name: 'PJSIP/phone-00000001', state: 'Up' });
});

afterEach(async () => {
  links[Symbol.dispose]();
  await ari[Symbol.asyncDispose]();
});

describe('a caller is handed over', () => {
  test('the other side is dialled, and the dialplan takes the caller to it once it answers', async () => {
    const { outcome, target } = await begin();
    ari.tell(dialled(target, 'RINGING'));
    ari.tell(changed(target, 'Up'));
    ari.tell(bridged(CALLER, target));

    expect(await outcome).toEqual({ type: 'connected' });
    expect(ari.originated).toEqual([
      {
        id: target,
        endpoint: 'PJSIP/+15557000',
        context: 'rapida-transfer',
        extension: 's',
        priority: 1,
        timeout: 20,
        callerId: '+15551234',
        variables: { RAPIDA_CALLER_CHANNEL: 'PJSIP/phone-00000001', RAPIDA_CONTEXT_ID: 'context-1' },
      },
    ]);
  });

  test.each([
    ['BUSY', 17, 'busy'],
    ['NOANSWER', 19, 'no_answer'],
    ['NOANSWER', 21, 'rejected'],
    ['CONGESTION', 34, 'unreachable'],
  ])('%s with cause %i: the caller stays, as %s', async (status, cause, reason) => {
    const { outcome, target } = await begin();
    ari.tell(dialled(target, status));
    ari.tell(destroyed(target, cause));

    expect(await outcome).toMatchObject({ type: 'failed', reason });
  });

  test('a caller who hangs up meanwhile stops the ringing', async () => {
    const { outcome, target } = await begin();

    ari.tell(destroyed(CALLER, 16));

    expect(await outcome).toMatchObject({ type: 'failed', reason: 'cancelled' });
    await vi.waitFor(() => expect(ari.channels.has(target)).toBe(false));
  });

  test('taken back while it rings: the other side is hung up', async () => {
    const { outcome, target } = await begin();

    stop.abort();

    expect(await outcome).toMatchObject({ type: 'failed', reason: 'cancelled' });
    await vi.waitFor(() => expect(ari.channels.has(target)).toBe(false));
  });

  test('our media leg ends because the other side has the caller: that takes nothing back', async () => {
    const { outcome, target } = await begin();
    const heard = nextEvent();
    ari.tell(changed(target, 'Up'));
    await heard;

    stop.abort();
    ari.tell(bridged(CALLER, target));

    expect(await outcome).toEqual({ type: 'connected' });
    expect(ari.requests).not.toContain(`DELETE /channels/${target}`);
  });

  test('our media leg ends before any event tells that the other side answered: it is asked, and takes nothing back', async () => {
    const { outcome, target } = await begin();
    ari.channels.set(target, { id: target, name: 'PJSIP/b', state: 'Up' });

    stop.abort();
    await vi.waitFor(() => expect(ari.requests).toContain(`GET /channels/${target}`));
    ari.tell(bridged(CALLER, target));

    expect(await outcome).toEqual({ type: 'connected' });
    expect(ari.requests).not.toContain(`DELETE /channels/${target}`);
  });

  test('an answered side that no dialplan joins is hung up, and the caller stays', async () => {
    const { outcome, target } = await begin();
    ari.tell(changed(target, 'Up'));
    ari.tell(destroyed(target, 16));

    expect(await outcome).toMatchObject({
      type: 'failed',
      reason: 'unreachable',
      detail: 'it was answered, but the dialplan did not bridge it to the caller',
    });
  });

  test('events that were missed are made good: the other side was answered and joined meanwhile', async () => {
    const { outcome, target } = await begin();
    ari.channels.set(target, { id: target, name: 'PJSIP/b', state: 'Up', dialplan: { app_name: 'Bridge' } });

    ari.drop();

    expect(await outcome).toEqual({ type: 'connected' });
  });
});

describe('what cannot be handed over', () => {
  test('says why before it is tried', () => {
    const transfer = ariTransfer({ links, clock: realClock, random: systemRandom });
    const { context, credential } = order();
    const rest = { settings: {}, publicHost: null };

    expect(transfer.objection({ context, credential, ...rest })).toBeNull();
    expect(transfer.objection({ context, credential: null, ...rest })).toContain('credential');
    expect(transfer.objection({ context: { ...context, providerCallId: null }, credential, ...rest })).toContain(
      '&id=${UNIQUEID}',
    );
  });

  test('a caller whose channel is gone', async () => {
    ari.channels.delete(CALLER);

    expect(await transferOf(order())).toMatchObject({ type: 'failed', reason: 'unreachable' });
  });

  test('an Asterisk that sends no events: nobody is dialled blindly', async () => {
    ari.isAway = true;

    expect(await transferOf(order())).toMatchObject({ type: 'failed', reason: 'unreachable' });
    expect(ari.originated).toEqual([]);
  });

  test('a number that would be another endpoint', async () => {
    expect(await transferOf({ ...order(), to: '1&Local/2@x' })).toMatchObject({
      type: 'failed',
      reason: 'unreachable',
    });
    expect(ari.originated).toEqual([]);
  });
});

test('a deployment may dial transfers its own way', async () => {
  const settings = { transfer_endpoint: 'Local/{number}@internal', transfer_context: 'join' };

  const { outcome, target } = await begin({ settings, to: '201' });
  ari.tell(bridged(CALLER, target));

  await outcome;
  expect(ari.originated[0]).toMatchObject({ endpoint: 'Local/201@internal', context: 'join' });
});

function order(): TransferOrder {
  const context = {
    contextId: 'context-1',
    direction: 'inbound',
    from: '+15551234',
    to: '+15550000',
    providerCallId: CALLER,
  } as unknown as CallContext;
  return {
    context,
    credential: ari.credential(),
    settings: {},
    to: '+15557000',
    ringTimeoutSeconds: 20,
    publicHost: null,
  };
}

function transferOf(wish: TransferOrder): Promise<TransferOutcome> {
  return ariTransfer({ links, clock: realClock, random: systemRandom }).transfer(wish, stop.signal);
}

/** Until the other side is dialled. */
async function begin(change: Partial<TransferOrder> = {}) {
  const outcome = transferOf({ ...order(), ...change });
  await vi.waitFor(() => expect(ari.originated).toHaveLength(1));
  return { outcome, target: String(ari.originated[0]?.['id']) };
}

/** Of listeners the ones before have heard it by then. */
function nextEvent(): Promise<void> {
  return new Promise((resolve) => {
    links.open(ari.credential()).subscribe({ event: () => resolve(), opened: () => {} });
  });
}
