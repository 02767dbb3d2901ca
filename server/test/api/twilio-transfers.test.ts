import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { twilioCallWebhook } from '../../src/channels/twilio/call-webhook.ts';
import { twilioTransfer } from '../../src/channels/twilio/transfer.ts';
import type { ContextId } from '../../src/core/ids.ts';
import { realClock } from '../fakes/real-clock.ts';
import { type CarrierReply, type CarrierRequest, fakeCarrier } from './fake-carriers.ts';
import { ACCOUNT_SID, TWILIO_VALUES, twilioForm } from './signed-requests.ts';
import { type Dialled, Refused, readTwilioTransfer } from './strict-transfers.ts';
import { FLOW, type TransferWorld, transferWorld } from './transfer-world.ts';

const CALLER = '+14155550123';
const OURS = '+14155550100';

let answer: (dialled: Dialled) => CarrierReply | 'hang_up' | Promise<CarrierReply>;
let carrier: Awaited<ReturnType<typeof fakeCarrier>>;
let world: TransferWorld;
beforeAll(async () => {
  carrier = await fakeCarrier((request) => {
    try {
      return answer(readTwilioTransfer(request)) as CarrierReply;
    } catch (error) {
      if (error instanceof Refused) return error.reply;
      throw error;
    }
  });
  const transfer = twilioTransfer({ clock: realClock }, carrier.url);
  world = await transferWorld([{ name: 'twilio', webhook: twilioCallWebhook, transfer }]);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await carrier[Symbol.asyncDispose]();
});

const contextOf = (twiml: string) => /\/ctx\/([0-9a-f-]{36})"/.exec(twiml)?.[1] as ContextId;

/** A call that Twilio brought in, its flow at the transfer; `dialled` once Twilio was told whom to dial. */
async function call(flow: unknown = FLOW, from = CALLER) {
  const { projectId, assistantId } = await world.project();
  await world.credential(projectId, 'twilio', TWILIO_VALUES);
  const callSid = world.callId();
  const path = `/v1/talk/twilio/call/${assistantId}`;
  const phaseOne = await world.ask(
    path,
    twilioForm(path, { CallSid: callSid, AccountSid: ACCOUNT_SID, From: from, To: OURS }),
  );
  const contextId = contextOf(await phaseOne.text());
  const live = await world.talk(contextId, 'twilio', flow);
  /** What the action URL is told, signed by Twilio unless a token is given. */
  const result = async (dialled: Dialled, fields: Record<string, string>, token?: string) => {
    const target = world.target(dialled.resultUrl);
    const form = { CallSid: callSid, AccountSid: ACCOUNT_SID, CallStatus: 'in-progress', ...fields };
    const response = await world.ask(target, twilioForm(target, form, token));
    return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
  };
  return { projectId, contextId, callSid, live, result, detail: (id = contextId) => world.detail(projectId, id) };
}

/** Twilio takes the order and ends the stream. */
async function handedOver(flow?: unknown) {
  const it = await call(flow);
  const orders: Dialled[] = [];
  answer = (dialled) => {
    orders.push(dialled);
    it.live.media.hangUp();
    return { status: 200, body: {} };
  };
  await it.live.until(async () => (await it.detail()).now !== 'live');
  const [dialled] = orders;
  if (!dialled || orders.length !== 1) throw new Error(`${orders.length} orders`);
  return { ...it, dialled };
}

describe('a transfer over Twilio', () => {
  test('dials once the announcement was heard, and ends the call as transferred', async () => {
    const it = await handedOver();

    expect(it.live.heard()).toBe('Hello. One moment.');
    expect(it.dialled).toEqual({
      callId: it.callSid,
      number: '+14155552671',
      shown: CALLER,
      timeoutSeconds: 30,
      resultUrl: `https://voice.example.com/v1/talk/twilio/ctx/${it.contextId}/event`,
    });
    const detail = await it.detail();
    expect(detail.now).toBe('ended transferred');
    expect(detail.transfers).toMatchObject([{ state: 'dialling', to: '+14155552671' }]);
  });

  test('that was talked on is connected, and the call is hung up after it', async () => {
    const it = await handedOver();

    const answered = await it.result(it.dialled, { DialCallStatus: 'completed', DialCallDuration: '42' });

    expect(answered).toMatchObject({ status: 200, type: 'text/xml; charset=utf-8' });
    expect(answered.body).toContain('<Response><Hangup/></Response>');
    const detail = await it.detail();
    expect(detail.transfers).toMatchObject([{ state: 'connected', failure: null, returnContextId: null }]);
    expect(detail.eventTypes.filter((type) => type.startsWith('transfer'))).toEqual([
      'transfer_asked',
      'transfer_dialling',
      'transfer_handed_over',
      'transfer_connected',
    ]);
  });

  test('shows a number of the account for a caller without one', async () => {
    const orders: Dialled[] = [];
    const it = await call(FLOW, 'anonymous');
    answer = (dialled) => {
      orders.push(dialled);
      it.live.media.hangUp();
      return { status: 200, body: {} };
    };

    await it.live.until(() => orders.length > 0);

    expect(orders[0]?.shown).toBe(OURS);
  });
});

describe('a transfer that nobody took', () => {
  test('brings the caller back into a new attempt, who hears why instead of the greeting', async () => {
    const it = await handedOver();

    const answered = await it.result(it.dialled, { DialCallStatus: 'busy' });

    const next = contextOf(answered.body);
    expect(answered.body).toContain('<Connect>');
    expect(next).not.toBe(it.contextId);
    const back = await world.talk(next, 'twilio');
    await back.until(() => back.heard().endsWith('Your number?'));
    expect(back.heard()).toBe('They are busy. Your number?');
    const before = await it.detail();
    const after = await it.detail(next);
    expect(before.transfers).toMatchObject([{ state: 'returned', failure: 'busy', returnContextId: next }]);
    expect(before.events.at(-1)).toMatchObject({ type: 'transfer_failed', data: { reason: 'busy' } });
    expect(after.call).toMatchObject({ attempt: 2, conversationId: before.call.conversationId, status: 'live' });
    expect(after.events[0]).toMatchObject({ type: 'transfer_returned', data: { reason: 'busy' } });
  });

  test('told twice is answered with the same document, byte for byte, and never with a third attempt', async () => {
    const it = await handedOver();
    const busy = { DialCallStatus: 'busy' };

    const answers = await Promise.all([it.result(it.dialled, busy), it.result(it.dialled, busy)]);
    const later = await it.result(it.dialled, { DialCallStatus: 'no-answer' });

    expect(new Set([...answers, later].map(({ body }) => body)).size).toBe(1);
    const next = contextOf(later.body);
    await world.storage.calls.end(next, 'caller_hung_up');
    const replayed = await it.result(it.dialled, busy);
    expect(replayed.body).toContain('<Hangup/>');
    const { calls } = await world.storage.calls.list({ projectId: it.projectId, limit: 10 });
    expect(calls.map(({ attempt }) => attempt)).toEqual([2, 1]);
  });

  test('ends in its new attempt when Twilio tells the first one’s address that the call is over', async () => {
    const it = await handedOver();
    const next = contextOf((await it.result(it.dialled, { DialCallStatus: 'busy' })).body);

    const over = await it.result(it.dialled, { CallStatus: 'completed' });

    expect(over.status).toBe(200);
    expect((await it.detail(next)).now).toBe('failed never_connected');
    expect((await it.detail()).now).toBe('ended transferred');
  });

  test('stays failed whatever comes later, and a connected one connected', async () => {
    const failed = await handedOver();
    const connected = await handedOver();

    await failed.result(failed.dialled, { DialCallStatus: 'no-answer' });
    await failed.result(failed.dialled, { DialCallStatus: 'completed' });
    await connected.result(connected.dialled, { DialCallStatus: 'completed' });
    const late = await connected.result(connected.dialled, { DialCallStatus: 'busy' });

    expect((await failed.detail()).transfers).toMatchObject([{ state: 'failed', failure: 'no_answer' }]);
    expect((await connected.detail()).transfers).toMatchObject([{ state: 'connected' }]);
    expect(late.body).toContain('<Hangup/>');
  });

  test('because the caller hung up meanwhile asks nobody back', async () => {
    const it = await handedOver();

    const answered = await it.result(it.dialled, { DialCallStatus: 'no-answer', CallStatus: 'completed' });

    expect(answered.body).toContain('<Hangup/>');
    expect((await it.detail()).transfers).toMatchObject([{ state: 'failed', returnContextId: null }]);
  });

  test('is told by Twilio alone: a forged word changes nothing', async () => {
    const it = await handedOver();

    const forged = await it.result(it.dialled, { DialCallStatus: 'busy' }, 'another-token');

    expect(forged.status).toBe(403);
    expect((await it.detail()).transfers).toMatchObject([{ state: 'dialling', returnContextId: null }]);
  });

  test('at once, before Twilio has answered our own request, is served all the same', async () => {
    const it = await call();
    let body = '';
    answer = async (dialled) => {
      body = (await it.result(dialled, { DialCallStatus: 'failed' })).body;
      it.live.media.hangUp();
      return { status: 200, body: {} };
    };

    await it.live.until(() => body !== '');

    const back = await world.talk(contextOf(body), 'twilio');
    await back.until(() => back.heard().endsWith('Your number?'));
    expect(back.heard()).toBe('Nobody is there. Your number?');
    expect((await it.detail()).now).toBe('ended transferred');
  });
});

describe('a transfer that Twilio does not take', () => {
  test.each<[string, CarrierReply | 'hang_up']>([
    ['is refused', { status: 400, body: { code: 21_219 } }],
    ['meets a limit', { status: 429, body: { code: 20_429 } }],
    ['is not answered', 'hang_up'],
  ])('%s: the caller is told, and the call goes on', async (_what, reply) => {
    const it = await call();
    answer = () => reply as CarrierReply;

    await it.live.until(() => it.live.heard().endsWith('Your number?'));

    expect(it.live.heard()).toBe('Hello. One moment. Nobody is there. Your number?');
    const detail = await it.detail();
    expect(detail.now).toBe('live');
    expect(detail.transfers).toMatchObject([{ state: 'failed', failure: 'unreachable' }]);
  });

  test('because the caller is gone ends the call as hung up', async () => {
    const it = await call();
    answer = () => {
      it.live.media.hangUp();
      return { status: 404, body: { code: 20_404 } };
    };

    await it.live.until(async () => (await it.detail()).now !== 'live');

    const detail = await it.detail();
    expect(detail.now).toBe('ended caller_hung_up');
    expect(detail.transfers).toMatchObject([{ state: 'failed', failure: 'cancelled' }]);
  });

  test.each(['112', '+19005551234', '+881612345678', 'sip:sales@example.com'])(
    'goes nowhere when the target is %s',
    async (to) => {
      const nodes = { ...FLOW.nodes, over: { ...FLOW.nodes.over, to } };
      carrier.requests.length = 0;
      const it = await call({ ...FLOW, nodes });

      await it.live.until(() => it.live.heard().endsWith('Your number?'));

      expect(carrier.requests).toEqual<CarrierRequest[]>([]);
      expect((await it.detail()).transfers).toMatchObject([{ state: 'failed', failure: 'rejected', diallingAt: null }]);
    },
  );
});

test('without an account nothing is offered: the flow goes on elsewhere', async () => {
  const { projectId, assistantId } = await world.project();
  const key = await world.key(projectId, 'talk');
  const response = await world.ask(`/v1/talk/twilio/call/${assistantId}?CallSid=${world.callId()}&From=1`, {
    headers: { 'x-api-key': key },
  });
  const live = await world.talk(contextOf(await response.text()), 'twilio');

  await live.until(() => live.heard().endsWith('Your number?'));

  expect(live.heard()).toBe('Hello. Nobody is there. Your number?');
});
