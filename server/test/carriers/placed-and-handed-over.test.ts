import { generateKeyPairSync } from 'node:crypto';
import type { Callee } from '@assistant/peers/carriers/callee';
import { ExotelCarrier } from '@assistant/peers/carriers/exotel/exotel-carrier';
import { through } from '@assistant/peers/carriers/reach';
import { RestServer } from '@assistant/peers/carriers/rest-server';
import { TwilioCarrier } from '@assistant/peers/carriers/twilio/twilio-carrier';
import { VonageCarrier } from '@assistant/peers/carriers/vonage/vonage-carrier';
import { verifySignature } from '@vonage/jwt';
import twilio from 'twilio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exotelDialer } from '../../src/channels/exotel/dialer.ts';
import { exotelKnowsCall } from '../../src/channels/exotel/exotel-api.ts';
import { twilioTransfer } from '../../src/channels/twilio/transfer.ts';
import { twilioDialer } from '../../src/channels/twilio/twilio-dialer.ts';
import { vonageTransfer } from '../../src/channels/vonage/transfer.ts';
import { vonageKnowsCall } from '../../src/channels/vonage/vonage-api.ts';
import { vonageDialer } from '../../src/channels/vonage/vonage-dialer.ts';
import type { OpenCredential } from '../../src/core/credential/credential.ts';
import type { AssistantId, ConversationId, CredentialId, ProjectId } from '../../src/core/ids.ts';
import type { DialOrder } from '../../src/core/ports/dialer.ts';
import { CONTEXT } from '../fakes/call-world.ts';
import { realClock } from '../fakes/real-clock.ts';

const HOST = 'voice.example.com';
const ACCOUNT_SID = `AC${'0123456789abcdef'.repeat(2)}`;
const TOKEN = 'the-auth-token';
const SECRET = 'the signature secret';
const EVENTS = `/v1/talk/twilio/ctx/${CONTEXT.contextId}/event`;
const never = new AbortController().signal;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const publicKey = String(rsa.publicKey.export({ type: 'spki', format: 'pem' }));
const privateKey = String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }));

/** Stands in for the server: takes every webhook and answers with nothing. */
let server: RestServer;

beforeAll(async () => {
  server = await RestServer.listen(() => ({ status: 204 }));
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

function credential(provider: string, values: Record<string, string>): OpenCredential {
  return {
    id: 'credential' as CredentialId,
    projectId: 'project' as ProjectId,
    provider,
    text: (key) => values[key] ?? null,
    list: () => [],
  };
}

const TWILIO = credential('twilio', { account_sid: ACCOUNT_SID, account_token: TOKEN });
const VONAGE = credential('vonage', { api_key: 'abcd1234', application_id: 'app-1', private_key: privateKey });
const EXOTEL = credential('exotel', { api_key: 'key', api_secret: 'token', account_sid: 'exo1' });

function orderOf(credential: OpenCredential, more: Partial<DialOrder> = {}): DialOrder {
  return {
    contextId: CONTEXT.contextId,
    conversationId: '1000000000000001' as ConversationId,
    assistantId: '100000001' as AssistantId,
    credential,
    settings: {},
    to: '+14155552671',
    from: '+14155550100',
    ringTimeoutSeconds: 30,
    maxDurationSeconds: 600,
    hasMachineDetection: false,
    publicHost: HOST,
    ...more,
  };
}

const twilioOf = (callee: Callee = { does: 'answer', afterMs: 0 }) =>
  TwilioCarrier.start({
    accountSid: ACCOUNT_SID,
    authToken: TOKEN,
    reach: through(server.url),
    callees: () => callee,
  });
const vonageOf = (callee: Callee = { does: 'answer', afterMs: 0 }) =>
  VonageCarrier.start({
    applicationId: 'app-1',
    apiKey: 'abcd1234',
    signatureSecret: SECRET,
    publicKey,
    reach: through(server.url),
    callees: () => callee,
  });

/** What the carrier's calls posted to the server, by path. */
function formsTo(path: string): Record<string, string>[] {
  return server.requests
    .filter((request) => request.path === path)
    .map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
}

describe('a call placed over Twilio', () => {
  test('is taken, answered, told in order and signed as the SDK of Twilio wants it; hung up over REST it is completed', async () => {
    await using carrier = await twilioOf();
    const dialer = twilioDialer(carrier.url);

    const placed = await dialer.dial(orderOf(TWILIO), never);
    const call = await carrier.nextPlaced();
    const leg = await call.nextLeg();
    const found = await dialer.find(orderOf(TWILIO), call.createdAt, never);
    await dialer.hangUp(TWILIO, call.sid, never);
    const end = await call.ended;

    expect(placed).toEqual({ type: 'placed', providerCallId: call.sid });
    expect(found).toEqual([call.sid]);
    expect(leg.url).toBe(`wss://${HOST}/v1/talk/twilio/ctx/${CONTEXT.contextId}`);
    expect(end).toBe('completed');
    expect(call.warnings).toEqual(['12200: <Stream> has no attribute statusCallbackEvent']);
    const statuses = formsTo(EVENTS).flatMap(({ CallSid, CallStatus, StreamEvent }) =>
      CallSid === call.sid && !StreamEvent ? [CallStatus] : [],
    );
    expect(statuses).toEqual(['initiated', 'ringing', 'in-progress', 'completed']);
    for (const { headers, path, body } of server.requests.filter(({ headers }) => headers['x-twilio-signature'])) {
      const fields = Object.fromEntries(new URLSearchParams(body));
      const signature = String(headers['x-twilio-signature']);
      expect(twilio.validateRequest(TOKEN, signature, `https://${HOST}${path}`, fields)).toBe(true);
    }
  });

  test.each([
    ['busy', 'busy'],
    ['no-answer', 'no-answer'],
    ['fail', 'failed'],
  ] as const)('that nobody takes (%s) is over', async (does, status) => {
    await using carrier = await twilioOf({ does, afterMs: 5 });

    await twilioDialer(carrier.url).dial(orderOf(TWILIO), never);

    expect(await (await carrier.nextPlaced()).ended).toBe(status);
  });

  test('with another token is refused; where no answer came the list tells that nothing was placed', async () => {
    await using carrier = await twilioOf();
    const dialer = twilioDialer(carrier.url);
    const stranger = credential('twilio', { account_sid: ACCOUNT_SID, account_token: 'another' });

    const refused = await dialer.dial(orderOf(stranger), never);
    carrier.rest.disturb = () => {
      carrier.rest.disturb = undefined;
      return 'hang up';
    };
    const lost = await dialer.dial(orderOf(TWILIO), never);

    expect(refused).toMatchObject({ type: 'refused', isRetryable: false, detail: expect.stringContaining('20003') });
    expect(lost).toMatchObject({ type: 'unknown' });
    expect(await dialer.find(orderOf(TWILIO), new Date(), never)).toEqual([]);
  });

  test('is handed over: the stream stops and Twilio dials', async () => {
    await using carrier = await twilioOf();
    await twilioDialer(carrier.url).dial(orderOf(TWILIO), never);
    const call = await carrier.nextPlaced();
    const leg = await call.nextLeg();
    const ends = new AbortController();
    void leg.ended.then(() => ends.abort());

    const outcome = await twilioTransfer({ clock: realClock }, carrier.url).transfer(
      {
        context: { ...CONTEXT, direction: 'outbound', providerCallId: call.sid },
        credential: TWILIO,
        settings: {},
        to: '+14155550199',
        ringTimeoutSeconds: 20,
        publicHost: HOST,
      },
      ends.signal,
    );
    await call.ended;

    expect(outcome).toEqual({ type: 'handed_over' });
    expect(call.verbs.at(-1)).toMatchObject({ type: 'dial', number: '+14155550199', timeoutSeconds: 20 });
    expect(formsTo(EVENTS).find(({ DialCallStatus }) => DialCallStatus)).toMatchObject({
      CallSid: call.sid,
      DialCallStatus: 'completed',
    });
  });
});

describe('a call placed over Vonage', () => {
  test('is taken with the token of the application, and its events are signed as the SDK of Vonage wants it', async () => {
    await using carrier = await vonageOf();
    const dialer = vonageDialer(carrier.url);

    const placed = await dialer.dial(orderOf(VONAGE), never);
    const call = await carrier.nextPlaced();
    const leg = await call.nextLeg();
    const known = await vonageKnowsCall(VONAGE, call.uuid, never, carrier.url);
    const unknown = await vonageKnowsCall(VONAGE, 'nobody', never, carrier.url);
    const found = await dialer.find(orderOf(VONAGE), call.createdAt, never);
    await dialer.hangUp(VONAGE, call.uuid, never);
    const end = await call.ended;

    expect(placed).toEqual({ type: 'placed', providerCallId: call.uuid });
    expect([known, unknown, found]).toEqual([true, false, [call.uuid]]);
    expect([leg.url, leg.sampleRate]).toEqual([`wss://${HOST}/v1/talk/vonage/ctx/${CONTEXT.contextId}`, 16_000]);
    expect(end).toBe('completed');
    const events = server.requests.filter(({ body }) => body.includes(call.uuid));
    expect(events.map(({ body }) => (JSON.parse(body) as { status: string }).status)).toEqual([
      'started',
      'ringing',
      'answered',
      'completed',
    ]);
    for (const { headers } of events)
      expect(verifySignature(String(headers.authorization).replace('Bearer ', ''), SECRET)).toBe(true);
  });

  test('with the key of another application is refused', async () => {
    await using carrier = await vonageOf();
    const other = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
    const pem = String(other.export({ type: 'pkcs8', format: 'pem' }));
    const stranger = credential('vonage', { application_id: 'app-1', private_key: pem });

    expect(await vonageDialer(carrier.url).dial(orderOf(stranger), never)).toMatchObject({
      type: 'refused',
      detail: 'Vonage answered 401',
    });
  });

  test('is handed over: our socket ends and Vonage dials; nobody answers, which is told', async () => {
    await using carrier = await VonageCarrier.start({
      applicationId: 'app-1',
      apiKey: 'abcd1234',
      signatureSecret: SECRET,
      publicKey,
      reach: through(server.url),
      callees: (number) => ({ does: number === '14155550199' ? 'no-answer' : 'answer', afterMs: 5 }),
    });
    await vonageDialer(carrier.url).dial(orderOf(VONAGE), never);
    const call = await carrier.nextPlaced();
    const leg = await call.nextLeg();
    const ends = new AbortController();
    void leg.ended.then(() => ends.abort());

    const outcome = await vonageTransfer({ clock: realClock }, carrier.url).transfer(
      {
        context: { ...CONTEXT, direction: 'outbound', from: '+14155550100', providerCallId: call.uuid },
        credential: VONAGE,
        settings: {},
        to: '+14155550199',
        ringTimeoutSeconds: 20,
        publicHost: HOST,
      },
      ends.signal,
    );
    await call.ended;

    expect(outcome).toEqual({ type: 'handed_over' });
    expect(call.troubles).toEqual([]);
    expect(call.actions.at(-1)).toMatchObject({ type: 'phone', number: '14155550199', timeoutSeconds: 20 });
    const told = server.requests.filter(({ query }) => query.get('about') === 'transfer').map(({ body }) => body);
    expect(told.map((body) => (JSON.parse(body) as { status: string }).status)).toEqual(['timeout']);
  });
});

describe('a call placed over Exotel', () => {
  test('is taken, streams straight to us where the account names no flow, and is told in JSON', async () => {
    await using carrier = await ExotelCarrier.start({
      accountSid: 'exo1',
      apiKey: 'key',
      apiToken: 'token',
      reach: through(server.url),
    });
    const dialer = exotelDialer({ baseUrl: carrier.url, nowMs: Date.now });

    const placed = await dialer.dial(orderOf(EXOTEL, { from: '08088900001' }), never);
    const call = await carrier.nextPlaced();
    const leg = await call.nextLeg();
    const known = await exotelKnowsCall(EXOTEL, call.sid, never, carrier.url);
    leg.hangUp();
    const end = await call.ended;

    expect(placed).toEqual({ type: 'placed', providerCallId: call.sid });
    expect(known).toBe(true);
    expect(leg.url).toBe(`wss://${HOST}/v1/talk/exotel/ctx/${CONTEXT.contextId}`);
    expect(end).toBe('completed');
    const told = server.requests.filter(({ body }) => body.includes(call.sid));
    expect(told.map(({ body }) => JSON.parse(body) as object)).toMatchObject([
      { EventType: 'answered', Status: 'in-progress', CustomField: CONTEXT.contextId },
      { EventType: 'terminal', Status: 'completed', CustomField: CONTEXT.contextId },
    ]);
  });
});
