import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { vonageCallWebhook } from '../../src/channels/vonage/call-webhook.ts';
import { vonageTransfer } from '../../src/channels/vonage/transfer.ts';
import type { ContextId } from '../../src/core/ids.ts';
import { realClock } from '../fakes/real-clock.ts';
import { type CarrierReply, fakeCarrier } from './fake-carriers.ts';
import { SIGNATURE_SECRET, VONAGE_VALUES, vonageJson } from './signed-requests.ts';
import { type Dialled, Refused, readVonageTransfer } from './strict-transfers.ts';
import { FLOW, type TransferWorld, transferWorld } from './transfer-world.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let answer: (dialled: Dialled) => CarrierReply;
let carrier: Awaited<ReturnType<typeof fakeCarrier>>;
let world: TransferWorld;
beforeAll(async () => {
  carrier = await fakeCarrier(async (request) => {
    try {
      return answer(await readVonageTransfer(request, publicKey));
    } catch (error) {
      if (error instanceof Refused) return error.reply;
      throw error;
    }
  });
  const transfer = vonageTransfer({ clock: realClock }, carrier.url);
  world = await transferWorld([{ name: 'vonage', webhook: vonageCallWebhook(), transfer }]);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await carrier[Symbol.asyncDispose]();
});

const contextOf = (ncco: string) => /\/ctx\/([0-9a-f-]{36})"/.exec(ncco)?.[1] as ContextId;

async function call(flow: unknown = FLOW) {
  const { projectId, assistantId } = await world.project();
  await world.credential(projectId, 'vonage', {
    ...VONAGE_VALUES,
    private_key: privateKey,
    signature_secret: SIGNATURE_SECRET,
  });
  const uuid = randomUUID();
  const announced = { uuid, from: '14155550123', to: '14155550100' };
  const phaseOne = await world.ask(`/v1/talk/vonage/call/${assistantId}`, await vonageJson(announced));
  const contextId = contextOf(await phaseOne.text());
  const live = await world.talk(contextId, 'vonage', flow);
  /** An event as Vonage signs it. */
  const tell = async (url: string, body: object, secret?: string) => {
    const response = await world.ask(world.target(url), await vonageJson(body, {}, secret));
    return { status: response.status, body: await response.text() };
  };
  return { projectId, contextId, uuid, live, tell, detail: (id = contextId) => world.detail(projectId, id) };
}

/** Vonage takes the order and its socket out of the call. */
async function handedOver() {
  const it = await call();
  const orders: Dialled[] = [];
  answer = (dialled) => {
    orders.push(dialled);
    it.live.media.hangUp();
    return { status: 204 };
  };
  await it.live.until(async () => (await it.detail()).now !== 'live');
  const [dialled] = orders;
  if (!dialled || orders.length !== 1) throw new Error(`${orders.length} orders`);
  const leg = { uuid: randomUUID(), from: '14155550100', to: '14155552671', direction: 'outbound' };
  const ofLeg = (status: string, more: object = {}, secret?: string) =>
    it.tell(dialled.resultUrl, { ...leg, status, ...more }, secret);
  return { ...it, dialled, ofLeg };
}

describe('a transfer over Vonage', () => {
  test('dials once the announcement was heard, shows our number, and ends the call as transferred', async () => {
    const it = await handedOver();

    expect(it.live.heard()).toBe('Hello. One moment.');
    expect(it.dialled).toEqual({
      callId: it.uuid,
      number: '14155552671',
      shown: '14155550100',
      timeoutSeconds: 30,
      resultUrl: `https://voice.example.com/v1/talk/vonage/ctx/${it.contextId}/event?about=transfer`,
    });
    expect((await it.detail()).now).toBe('ended transferred');
  });

  test('is connected once the other side answered', async () => {
    const it = await handedOver();

    for (const status of ['started', 'ringing', 'answered', 'completed']) {
      const { body } = await it.ofLeg(status, { duration: '12' });
      expect(body).toBe('');
    }

    expect((await it.detail()).transfers).toMatchObject([{ state: 'connected', failure: null }]);
  });
});

describe('a transfer that nobody took', () => {
  test.each([
    ['unanswered', 'no_answer', 'Nobody is there.'],
    ['busy', 'busy', 'They are busy.'],
    ['timeout', 'no_answer', 'Nobody is there.'],
    ['rejected', 'rejected', 'Nobody is there.'],
    ['failed', 'unreachable', 'Nobody is there.'],
  ])('%s brings the caller back into a new attempt, who hears why', async (status, failure, words) => {
    const it = await handedOver();

    const answered = await it.ofLeg(status);
    const again = await it.ofLeg(status);

    expect(answered.status).toBe(200);
    expect(again.body).toBe(answered.body);
    const next = contextOf(answered.body);
    expect(JSON.parse(answered.body)).toMatchObject([{ action: 'connect', endpoint: [{ type: 'websocket' }] }]);
    const back = await world.talk(next, 'vonage');
    await back.until(() => back.heard().endsWith('Your number?'));
    expect(back.heard()).toBe(`${words} Your number?`);
    expect((await it.detail()).transfers).toMatchObject([{ state: 'returned', failure, returnContextId: next }]);
    expect((await it.detail(next)).call.attempt).toBe(2);
  });

  test('and whose leg is told to be over then, stays failed', async () => {
    const it = await handedOver();

    await it.ofLeg('completed', { duration: '0' });
    const { body } = await it.ofLeg('unanswered');
    await it.ofLeg('completed', { duration: '0' });

    expect(contextOf(body)).toBeDefined();
    expect((await it.detail()).transfers).toMatchObject([{ state: 'failed', failure: 'no_answer' }]);
  });

  test('because the caller hung up meanwhile asks nobody back', async () => {
    const it = await handedOver();

    const { body } = await it.ofLeg('cancelled');

    expect(body).toBe('');
    expect((await it.detail()).transfers).toMatchObject([{ state: 'failed', failure: 'cancelled' }]);
  });

  test('is told by Vonage alone: a forged word changes nothing', async () => {
    const it = await handedOver();

    const forged = await it.ofLeg('busy', {}, 'another secret of whoever that is');

    expect(forged.status).toBe(403);
    expect((await it.detail()).transfers).toMatchObject([{ state: 'dialling', returnContextId: null }]);
  });
});

test('the end of a leg other than the caller’s does not end the call', async () => {
  const it = await call({
    ...FLOW,
    start: 'menu',
    fallback: 'bye',
    nodes: { menu: FLOW.nodes.menu, bye: FLOW.nodes.bye },
  });
  const events = `https://voice.example.com/v1/talk/vonage/ctx/${it.contextId}/event`;

  await it.tell(events, { uuid: randomUUID(), status: 'completed', duration: '3' });
  await it.live.pass(2_000);
  expect((await it.detail()).now).toBe('live');

  await it.tell(events, { uuid: it.uuid, status: 'completed', duration: '3' });
  await it.live.until(async () => (await it.detail()).now !== 'live');
  expect((await it.detail()).now).toBe('ended caller_hung_up');
});

test.each([
  [404, 'cancelled'],
  [429, 'unreachable'],
  [401, 'unreachable'],
  [500, 'unreachable'],
])('Vonage answering %s: the caller is told, and the call goes on', async (status, failure) => {
  const it = await call();
  answer = () => ({ status, body: {} });

  await it.live.until(() => it.live.heard().endsWith('Your number?'));

  const detail = await it.detail();
  expect(detail.now).toBe('live');
  expect(detail.transfers).toMatchObject([{ state: 'failed', failure }]);
});
