import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createExotel } from '../../src/channels/exotel/exotel.ts';
import { createTwilio } from '../../src/channels/twilio/twilio.ts';
import { createVonage } from '../../src/channels/vonage/vonage.ts';
import type { ProjectId } from '../../src/core/ids.ts';
import { realClock } from '../fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../fakes/recording-log.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { type ApiWorld, apiWorld } from './api-world.ts';
import { PlainCalls } from './plain-calls.ts';
import {
  ACCOUNT_SID,
  EXOTEL_VALUES,
  SIGNATURE_SECRET,
  TWILIO_VALUES,
  twilioForm,
  VONAGE_VALUES,
  vonageJson,
} from './signed-requests.ts';

const AT_ONCE = 20;
const LIMIT_MS = 300_000;
const MOST_DELAY_MS = 12;

/** What a carrier sends for one call, in its own form. */
type Carrier = {
  readonly name: 'twilio' | 'vonage' | 'exotel';
  readonly credential: Record<string, string>;
  readonly schedules: number;
  /** Status words of a call's life; the last one ends it. */
  readonly statuses: readonly string[];
  webhook(assistantId: string, callId: string): { path: string; init: Promise<RequestInit> };
  event(callId: string, status: string): { path: string; init: Promise<RequestInit> };
  forged(callId: string): { path: string; init: Promise<RequestInit> };
  /** Begins the stream of a socket; `early` is what may come before. */
  readonly begin: (callId: string) => string;
  readonly early: string;
};

const twilio: Carrier = {
  name: 'twilio',
  credential: TWILIO_VALUES,
  schedules: 400,
  statuses: ['ringing', 'in-progress', 'completed'],
  webhook: (assistantId, CallSid) => {
    const path = `/v1/talk/twilio/call/${assistantId}`;
    const fields = { CallSid, AccountSid: ACCOUNT_SID, From: '+15550001', To: '+15550002', CallStatus: 'ringing' };
    return { path, init: Promise.resolve(twilioForm(path, fields)) };
  },
  event: (CallSid, CallStatus) => {
    const path = '/v1/talk/twilio/event';
    return { path, init: Promise.resolve(twilioForm(path, { CallSid, AccountSid: ACCOUNT_SID, CallStatus })) };
  },
  forged: (CallSid) => {
    const path = '/v1/talk/twilio/event';
    const fields = { CallSid, AccountSid: ACCOUNT_SID, CallStatus: 'completed' };
    return { path, init: Promise.resolve(twilioForm(path, fields, 'not-the-token')) };
  },
  begin: (callSid) =>
    JSON.stringify({
      event: 'start',
      sequenceNumber: '1',
      streamSid: 'MZ1',
      start: { streamSid: 'MZ1', callSid, accountSid: ACCOUNT_SID, tracks: ['inbound'], customParameters: {} },
    }),
  early: '{"event":"connected","protocol":"Call","version":"1.0.0"}',
};

const vonage: Carrier = {
  name: 'vonage',
  credential: { ...VONAGE_VALUES, signature_secret: SIGNATURE_SECRET },
  schedules: 300,
  statuses: ['ringing', 'answered', 'completed'],
  webhook: (assistantId, uuid) => ({
    path: `/v1/talk/vonage/call/${assistantId}`,
    init: vonageJson({ from: '15550001', to: '15550002', uuid, conversation_uuid: `CON-${uuid}` }),
  }),
  event: (uuid, status) => ({
    path: '/v1/talk/vonage/event',
    init: vonageJson({ uuid, status, direction: 'inbound' }),
  }),
  forged: (uuid) => ({
    path: '/v1/talk/vonage/event',
    init: vonageJson({ uuid, status: 'completed' }, {}, 'not the signature secret of the account'),
  }),
  begin: () => '{"event":"websocket:connected","content-type":"audio/l16;rate=16000"}',
  early: '',
};

const exotelLogin = (login = `${EXOTEL_VALUES.api_key}:${EXOTEL_VALUES.api_secret}`) => ({
  authorization: `Basic ${Buffer.from(login).toString('base64')}`,
});
const exotel: Carrier = {
  name: 'exotel',
  credential: EXOTEL_VALUES,
  schedules: 300,
  statuses: ['ringing', 'in-progress', 'completed'],
  webhook: (assistantId, callSid) => ({
    path: `/v1/talk/exotel/call/${assistantId}?CallSid=${callSid}&CallFrom=%2B15550001&CallTo=%2B15550002`,
    init: Promise.resolve({ headers: exotelLogin() }),
  }),
  event: (CallSid, Status) => ({
    path: '/v1/talk/exotel/event',
    init: Promise.resolve({ method: 'POST', headers: exotelLogin(), body: new URLSearchParams({ CallSid, Status }) }),
  }),
  forged: (CallSid) => ({
    path: '/v1/talk/exotel/event',
    init: Promise.resolve({
      method: 'POST',
      headers: exotelLogin('exotel-key-0001:wrong'),
      body: new URLSearchParams({ CallSid, Status: 'completed' }),
    }),
  }),
  begin: (call_sid) =>
    JSON.stringify({
      event: 'start',
      sequence_number: '1',
      stream_sid: 'ex1',
      start: { stream_sid: 'ex1', call_sid, media_format: { encoding: 'base64', sample_rate: '8000' } },
    }),
  early: '{"event":"connected"}',
};

let world: ApiWorld;
const calls = new PlainCalls();

beforeAll(async () => {
  const parts = { clock: realClock, log: new RecordingLog(), metrics: new RecordingMetrics() };
  world = await apiWorld({
    channels: [createTwilio(parts), createVonage(parts), createExotel(parts)],
    control: (rooms) => calls.control(rooms),
  });
});
afterAll(() => world[Symbol.asyncDispose]());

describe.each([twilio, vonage, exotel])('$name, whatever comes twice, late, at once or in another order', (carrier) => {
  test(
    `one call, one answer, one conversation, one record (${carrier.schedules} random schedules)`,
    async () => {
      const assistant = await world.project();
      await world.credential(assistant.projectId, carrier.name, carrier.credential);
      const attachedBefore = calls.attached.length;
      const firstSeed = Number(process.env['SCHEDULE_SEED'] ?? Date.now() % 1_000_000);
      const seeds = Array.from({ length: carrier.schedules }, (_, index) => firstSeed + index);

      for (let at = 0; at < seeds.length; at += AT_ONCE) {
        const batch = seeds.slice(at, at + AT_ONCE);
        const outcomes = await Promise.all(batch.map((seed) => schedule(carrier, { ...assistant, seed })));
        expect(outcomes).toEqual(batch.map((seed) => ({ seed, ...AS_IT_SHOULD })));
      }

      expect(world.liveCalls.size).toBe(0);
      // Most calls have a socket that begins, so a silent server would be noticed.
      expect(calls.attached.length - attachedBefore).toBeGreaterThan(carrier.schedules / 4);
    },
    LIMIT_MS,
  );
});

/** What holds of each schedule, whatever came of its call. */
const AS_IT_SHOULD = {
  wrongStatuses: [],
  answersOfAContext: 1,
  contextsAtOnce: 1,
  conversations: 1,
  mostAttached: 1,
  attemptsInOrder: true,
  allEndedOnce: true,
  isServed: true,
};

type Given = { readonly projectId: ProjectId; readonly assistantId: string; readonly seed: number };

async function schedule(carrier: Carrier, { projectId, assistantId, seed }: Given) {
  const random = new SeededRandom(seed);
  const callId = `call-${carrier.name}-${seed}`;
  const later = () => pause(random.below(MOST_DELAY_MS));
  const wrongStatuses: string[] = [];
  const send = async (request: { path: string; init: Promise<RequestInit> }, good: readonly number[]) => {
    const response = await world.ask(request.path, await request.init);
    if (!good.includes(response.status)) wrongStatuses.push(`${request.path} ${response.status}`);
    return await response.text();
  };
  const first = send(carrier.webhook(assistantId, callId), [200]);
  const repeats = many(random, 4, () => later().then(() => send(carrier.webhook(assistantId, callId), [200])));
  const contextId = contextIn(await first);
  const isEndedEarly = random.below(3) === 0;
  const words = isEndedEarly ? carrier.statuses : carrier.statuses.slice(0, -1);
  const events = many(random, 5, () =>
    later().then(() => send(carrier.event(callId, words[random.below(words.length)] ?? ''), [200, 204])),
  );
  const forged = many(random, 2, () => later().then(() => send(carrier.forged(callId), [403])));
  const sockets = many(random, 3, () => later().then(() => openSocket(carrier, { contextId, callId, random })));
  const answers = [await first, ...(await Promise.all(repeats))];
  await Promise.all([...events, ...forged]);
  const opened = await Promise.all(sockets);
  const isServed = isEndedEarly || !opened.some((socket) => socket.hasBegun) || (await attachedCount(contextId)) === 1;
  for (const socket of opened) socket.hangUp();
  await send(carrier.event(callId, 'completed'), [200, 204]);
  const rows = await ended(projectId, callId);
  const byContext = new Map<string, Set<string>>();
  for (const answer of answers) {
    byContext.set(contextIn(answer), (byContext.get(contextIn(answer)) ?? new Set()).add(answer));
  }
  return {
    seed,
    wrongStatuses,
    answersOfAContext: Math.max(...[...byContext.values()].map((texts) => texts.size)),
    contextsAtOnce: isEndedEarly ? 1 : byContext.size,
    conversations: new Set(rows.map(({ conversationId }) => conversationId)).size,
    mostAttached: Math.max(1, ...[...byContext.keys()].map((id) => attachedTimes(id))),
    attemptsInOrder: rows.map(({ attempt }) => attempt).every((attempt, index) => attempt === rows.length - index),
    allEndedOnce: rows.every(({ endReason, endedAt }) => endReason !== null && endedAt !== null),
    isServed,
  };
}

const many = <Value>(random: SeededRandom, most: number, make: () => Value) =>
  Array.from({ length: random.below(most + 1) }, make);

function contextIn(answer: string): string {
  return /ctx\/([0-9a-f-]{36})/.exec(answer)?.[1] ?? `no context in ${answer.slice(0, 80)}`;
}

const attachedTimes = (contextId: string) => calls.attached.filter((each) => each === contextId).length;

/** A socket that has begun its stream is attached after a moment, or never. */
async function attachedCount(contextId: string): Promise<number> {
  for (let tries = 0; tries < 500 && attachedTimes(contextId) === 0; tries++) await pause(10);
  return attachedTimes(contextId);
}

/** The call's rows, the newest first, once each is over. */
async function ended(projectId: ProjectId, callId: string) {
  for (let tries = 0; ; tries++) {
    const { calls: all } = await world.storage.calls.list({ projectId, limit: 200 });
    const rows = all.filter(({ providerCallId }) => providerCallId === callId);
    if (tries > 500 || (rows.length > 0 && rows.every(({ endReason }) => endReason !== null))) return rows;
    await pause(20);
  }
}

type Dialled = { readonly contextId: string; readonly callId: string; readonly random: SeededRandom };

/** A carrier's socket that begins at once, twice, late or never. */
async function openSocket(carrier: Carrier, { contextId, callId, random }: Dialled) {
  const habit = ['at once', 'twice', 'late', 'never', 'dropped'][random.below(5)];
  const socket = new WebSocket(`${world.url.replace('http', 'ws')}/v1/talk/${carrier.name}/ctx/${contextId}`);
  socket.on('error', () => undefined);
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.on('open', () => resolve(true));
    socket.on('error', () => resolve(false));
  });
  let hasBegun = false;
  if (isOpen) {
    if (carrier.early !== '') socket.send(carrier.early);
    if (habit === 'late') await pause(random.below(20));
    if (habit === 'dropped') socket.terminate();
    else if (habit !== 'never') {
      socket.send(carrier.begin(callId));
      if (habit === 'twice') socket.send(carrier.begin(callId));
      hasBegun = true;
    }
  }
  return { hasBegun, hangUp: () => socket.close(1000) };
}
