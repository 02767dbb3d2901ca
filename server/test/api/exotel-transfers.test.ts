import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exotelCallWebhook } from '../../src/channels/exotel/call-webhook.ts';
import { exotelSettingsSchema } from '../../src/channels/exotel/credential-schema.ts';
import { exotelTransfer } from '../../src/channels/exotel/transfer.ts';
import type { ContextId } from '../../src/core/ids.ts';
import { EXOTEL_VALUES } from './signed-requests.ts';
import { type TransferWorld, transferWorld } from './transfer-world.ts';

let world: TransferWorld;
beforeAll(async () => {
  world = await transferWorld([
    {
      name: 'exotel',
      settingsSchema: exotelSettingsSchema,
      webhook: exotelCallWebhook,
      transfer: exotelTransfer,
    },
  ]);
});
afterAll(() => world[Symbol.asyncDispose]());

const basic = (secret: string) => ({ authorization: `Basic ${btoa(`${EXOTEL_VALUES.api_key}:${secret}`)}` });

/** A call whose flow has brought it to our Voicebot applet. */
async function call(settings: Record<string, unknown> = { transfer: 'connect_applet' }) {
  const { projectId, assistantId } = await world.project();
  const credential = await world.credential(projectId, 'exotel', EXOTEL_VALUES);
  await world.deployment(projectId, { assistantId, channel: 'exotel', credentialId: credential.id, settings });
  const callSid = world.callId();
  /** An applet asks one of our addresses. */
  const applet = async (what: string, more: Record<string, string> = {}, secret = EXOTEL_VALUES.api_secret) => {
    const query = new URLSearchParams({ CallSid: callSid, CallFrom: '09052161119', CallTo: '08047112345', ...more });
    const path = `/v1/talk/exotel/${what}/${assistantId}?${query}`;
    const response = await world.ask(path, { headers: basic(secret), redirect: 'manual' });
    return { status: response.status, body: await response.text() };
  };
  const arrive = async () => {
    const { body } = await applet('call', { flow_id: '1' });
    return /\/ctx\/([0-9a-f-]{36})/.exec(body)?.[1] as ContextId;
  };
  const contextId = await arrive();
  const live = await world.talk(contextId, 'exotel');
  return { projectId, contextId, live, applet, arrive, detail: (id = contextId) => world.detail(projectId, id) };
}

async function handedOver() {
  const it = await call();
  await it.live.until(async () => (await it.detail()).now !== 'live');
  return it;
}

describe('a transfer over Exotel', () => {
  test('closes the stream, so that the flow goes on, and tells its Connect applet the number, again and again', async () => {
    const it = await handedOver();

    expect(it.live.heard()).toBe('Hello. One moment.');
    expect(it.live.media.isClosed).toBe(true);
    expect((await it.detail()).now).toBe('ended transferred');
    for (let asked = 0; asked < 2; asked++) {
      const { status, body } = await it.applet('transfer');
      expect(status).toBe(200);
      expect(JSON.parse(body)).toEqual({
        fetch_after_attempt: false,
        destination: { numbers: ['+14155552671'] },
        outgoing_phone_number: '08047112345',
        max_ringing_duration: 30,
      });
    }
  });

  test('is connected once the flow says that it was talked on', async () => {
    const it = await handedOver();

    await it.applet('event', { CallType: 'completed', DialCallStatus: 'completed' });

    expect((await it.detail()).transfers).toMatchObject([{ state: 'connected' }]);
    expect((await it.applet('transfer')).status).toBe(302);
  });

  test('is told to nobody without the account’s password', async () => {
    const it = await handedOver();

    const { status, body } = await it.applet('transfer', {}, 'a-wrong-secret');

    expect(status).toBe(403);
    expect(body).not.toContain('14155552671');
  });
});

describe('a caller whom the flow brings back to us', () => {
  test('hears why, as the flow told it', async () => {
    const it = await handedOver();
    await it.applet('transfer');
    await it.applet('event', { CallType: 'incomplete', DialCallStatus: 'busy' });

    const next = await it.arrive();

    const back = await world.talk(next, 'exotel');
    await back.until(() => back.heard().endsWith('Your number?'));
    expect(back.heard()).toBe('They are busy. Your number?');
    expect((await it.detail()).transfers).toMatchObject([
      { state: 'returned', failure: 'busy', returnContextId: next },
    ]);
  });

  test('was not answered where the flow told nothing', async () => {
    const it = await handedOver();
    await it.applet('transfer');

    const next = await it.arrive();

    const back = await world.talk(next, 'exotel');
    await back.until(() => back.heard().endsWith('Your number?'));
    expect(back.heard()).toBe('Nobody is there. Your number?');
    expect((await it.detail()).transfers).toMatchObject([{ state: 'returned', failure: 'no_answer' }]);
    expect((await it.applet('transfer')).status).toBe(302);
  });
});

test('a flow whose Connect applet asks for a call without a transfer dials nobody', async () => {
  const it = await call();

  const { status, body } = await it.applet('transfer', { CallSid: world.callId() });

  expect(status).toBe(302);
  expect(JSON.parse(body)).toEqual({ fetch_after_attempt: false, destination: { numbers: [] } });
});

test('without the setting nothing is offered: the flow goes on elsewhere', async () => {
  const it = await call({});

  await it.live.until(() => it.live.heard().endsWith('Your number?'));

  expect(it.live.heard()).toBe('Hello. Nobody is there. Your number?');
});
