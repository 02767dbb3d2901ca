import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { vonageCallWebhook } from '../../src/channels/vonage/call-webhook.ts';
import { vonageDialer } from '../../src/channels/vonage/vonage-dialer.ts';
import { assembleOutbound } from '../../src/composition/outbound.ts';
import type { ContextId, NodeId } from '../../src/core/ids.ts';
import { type ApiWorld, apiWorld } from './api-world.ts';
import { type CarrierReply, fakeCarrier } from './fake-carriers.ts';
import { VONAGE_VALUES } from './signed-requests.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let answer: () => CarrierReply | 'hang_up';
let carrier: Awaited<ReturnType<typeof fakeCarrier>>;
let world: ApiWorld;
beforeAll(async () => {
  carrier = await fakeCarrier(() => answer());
  const dialer = vonageDialer(carrier.url);
  world = await apiWorld({ channels: [{ name: 'vonage', webhook: vonageCallWebhook(), dialer }] });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await carrier[Symbol.asyncDispose]();
});

test('Vonage is asked once with a token of the application; a lost answer is looked for', async () => {
  const { projectId, assistantId } = await world.project();
  // Consoles and env files hand keys on with their line ends written out.
  const values = { ...VONAGE_VALUES, private_key: privateKey.trim().replaceAll('\n', '\\n') };
  await world.credential(projectId, 'vonage', values);
  await world.deployment(projectId, { assistantId, channel: 'vonage', number: '14155550100' });
  const key = await world.key(projectId, 'calls');
  const response = await world.ask('/v1/talk/create-phone-call', {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({
      assistant: { assistantId },
      toNumber: '+14155552671',
      options: { ringTimeoutSeconds: 300, machineDetection: 'record' },
    }),
  });
  const { contextId } = ((await response.json()) as { data: { contextId: ContextId } }).data;
  const { placeNextCall } = assembleOutbound({ ...world.parts, nodeId: 'node-a' as NodeId });
  const place = () => placeNextCall(AbortSignal.timeout(5_000));

  answer = () => 'hang_up';
  await place();
  await world.sql(`update outbound_calls set lease_until = now() where context_id = '${contextId}'`);
  const listed = [
    { uuid: 'another', direction: 'outbound', to: { number: '15550000' } },
    { uuid: 'ours', direction: 'outbound', to: { number: '14155552671' } },
  ];
  answer = () => ({ status: 200, body: { _embedded: { calls: listed } } });
  await place();

  expect(carrier.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /v1/calls', 'GET /v1/calls']);
  expect(JSON.parse(carrier.requests[0]?.body ?? '')).toEqual({
    to: [{ type: 'phone', number: '14155552671' }],
    from: { type: 'phone', number: '14155550100' },
    ncco: [
      {
        action: 'connect',
        endpoint: [
          {
            type: 'websocket',
            uri: `wss://voice.example.com/v1/talk/vonage/ctx/${contextId}`,
            'content-type': 'audio/l16;rate=16000',
          },
        ],
      },
    ],
    event_url: [`https://voice.example.com/v1/talk/vonage/ctx/${contextId}/event`],
    event_method: 'POST',
    ringing_timer: 120,
    length_timer: 1_800,
    advanced_machine_detection: { behavior: 'continue', mode: 'default' },
  });
  const token = carrier.requests[0]?.authorization.replace('Bearer ', '') ?? '';
  await jwtVerify(token, createPublicKey(publicKey), { algorithms: ['RS256'] });
  expect(decodeJwt(token)).toMatchObject({ application_id: 'app-1', jti: expect.any(String) });
  expect(await world.storage.calls.find(contextId)).toMatchObject({ providerCallId: 'ours' });
});
