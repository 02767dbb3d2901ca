import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { vonageCallWebhook } from '../../src/channels/vonage/call-webhook.ts';
import { type DiallingWorld, diallingWorld } from './dialling-world.ts';
import { ACCOUNT_SID, twilioForm } from './signed-requests.ts';

let world: DiallingWorld;
beforeAll(async () => {
  world = await diallingWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** A call over Twilio that rings, and how Twilio reports on it. */
async function ringing(machineDetection: unknown) {
  const line = await world.line('twilio');
  const contextId = await line.queued({ options: { machineDetection } });
  const CallSid = `CA${randomUUID().replaceAll('-', '')}`;
  world.now.answer = () => ({ status: 201, body: { sid: CallSid, status: 'queued' } });
  await world.place();
  const target = `/v1/talk/twilio/ctx/${contextId}/event`;
  const report = async (fields: Record<string, string>) =>
    (await world.ask(target, twilioForm(target, { CallSid, AccountSid: ACCOUNT_SID, ...fields }))).status;
  const events = async () => (await world.storage.calls.get(line.projectId, contextId))?.events;
  const form = new URLSearchParams(world.carrier.requests.at(-1)?.body);
  return { ...line, contextId, report, events, form, state: () => line.call(contextId) };
}

test('record: the verdict is an event of the call, once however often it comes, and the call goes on', async () => {
  const { report, events, state, form } = await ringing('record');
  await report({ CallStatus: 'in-progress' });

  const first = await report({ AnsweredBy: 'machine_start', MachineDetectionDuration: '4000' });
  await report({ AnsweredBy: 'machine_start', MachineDetectionDuration: '4000' });
  await report({ AnsweredBy: 'machine_end_beep' });

  expect(first).toBe(200);
  expect(form.get('AsyncAmd')).toBe('true');
  expect(await events()).toEqual([
    { atMs: 0, type: 'answered_by', data: { who: 'machine', word: 'machine_start' } },
    { atMs: 0, type: 'answered_by', data: { who: 'machine', word: 'machine_end_beep' } },
  ]);
  expect(await state()).toBe('live');
});

test.each([
  ['hangup', 'machine_start', 'ended machine'],
  [true, 'fax', 'ended machine'],
  ['hangup', 'human', 'live'],
  ['hangup', 'unknown', 'live'],
])('%s and %s: the call is then %s', async (wish, AnsweredBy, expected) => {
  const { report, state } = await ringing(wish);
  await report({ CallStatus: 'in-progress' });

  await report({ AnsweredBy });

  expect(await state()).toBe(expected);
});

test('a last status that names the machine, too, ends the call as machine, not as if the caller had hung up', async () => {
  const { report, state } = await ringing('hangup');
  await report({ CallStatus: 'in-progress' });

  await report({ CallStatus: 'completed', AnsweredBy: 'machine_end_silence' });

  expect(await state()).toBe('ended machine');
});

test('nothing is asked of the carrier unless it is wished; a word that is none is refused', async () => {
  const { form, create } = await ringing('off');

  expect([form.has('MachineDetection'), form.has('AsyncAmd')]).toEqual([false, false]);
  expect((await create({ options: { machineDetection: 'whisper' } })).status).toBe(422);
});

test('notes stand in the time of the call, among what its node wrote', async () => {
  const { report, events, contextId } = await ringing('record');
  await world.sql(`update calls set claimed_at = now() - interval '5 seconds', context_status = 'claimed', claimed_by = 'n'
    where context_id = '${contextId}'`);
  await world.storage.calls.append([
    {
      contextId,
      turns: [],
      dtmf: '',
      events: [
        { seq: 0, atMs: 10, type: 'claimed' },
        { seq: 1, atMs: 60_000, type: 'late' },
      ],
    },
  ]);

  await report({ AnsweredBy: 'human' });

  expect((await events())?.map(({ type }) => type)).toEqual(['claimed', 'answered_by', 'late']);
  expect((await events())?.[1]?.atMs).toBeGreaterThanOrEqual(5_000);
});

test('Vonage: human, machine and the beep are read', async () => {
  const { readReport } = vonageCallWebhook();
  const read = (parameters: Record<string, string>) =>
    readReport?.({
      method: 'POST',
      rawTarget: '/v1/talk/vonage/event',
      headers: {},
      rawBody: new Uint8Array(),
      parameters,
      remoteAddress: '',
    });

  const beep = read({ call_uuid: 'u1', status: 'machine', sub_state: 'beep_start' });
  const human = read({ call_uuid: 'u1', status: 'human' });

  expect(beep).toMatchObject({
    providerCallId: 'u1',
    change: null,
    answeredBy: { who: 'machine', word: 'machine beep_start' },
  });
  expect(human).toMatchObject({ change: null, answeredBy: { who: 'human', word: 'human' } });
  expect(read({ uuid: 'u1', status: 'answered' })).not.toHaveProperty('answeredBy');
});
