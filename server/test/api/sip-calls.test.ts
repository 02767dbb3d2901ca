import { afterAll, beforeAll, expect, test } from 'vitest';
import { sipDialer } from '../../src/channels/sip/dialer.ts';
import { FakeTrunk } from '../../src/channels/sip/fakes/fake-trunk.ts';
import { ASSISTANT, cryptoRandom, KEY, SipWorld, until } from '../../src/channels/sip/fakes/sip-world.ts';
import { assembleOutbound } from '../../src/composition/outbound.ts';
import type { ContextId, NodeId } from '../../src/core/ids.ts';
import { DigestClient } from '../../src/protocols/digest/digest-client.ts';
import { answerWithDigest } from '../../src/protocols/sip/uac/answer-challenge.ts';
import { type ApiWorld, apiWorld } from './api-world.ts';

let sip: SipWorld;
let phone: FakeTrunk;
let world: ApiWorld;
beforeAll(async () => {
  sip = await SipWorld.open();
  phone = await FakeTrunk.open();
  const dialer = sipDialer({ server: () => sip.server, hasTls: false, random: cryptoRandom });
  world = await apiWorld({ channels: [{ name: 'sip', dialer }] });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await sip[Symbol.asyncDispose]();
  await phone[Symbol.asyncDispose]();
});

test('a phone that has registered is called over a line without any account', async () => {
  const { projectId, assistantId } = await world.project();
  await world.deployment(projectId, { assistantId, channel: 'sip', number: null, credentialId: null, settings: {} });
  const key = await world.key(projectId, 'calls');
  let isThere = false;
  phone.agent.register({
    registrar: `sip:127.0.0.1:${sip.server.ports.udp}`,
    aor: `sip:desk@127.0.0.1`,
    contactUser: 'x',
    credentials: answerWithDigest(new DigestClient({ username: ASSISTANT, password: KEY }, cryptoRandom.bytes)),
    changed: ({ type }) => {
      isThere = type === 'registered';
    },
  });
  await until(() => isThere);
  // The phone registered for the assistant of the SIP world; this one is to be called for ours.
  const find = sip.server.phoneRoute.bind(sip.server);
  sip.server.phoneRoute = (wish) => find({ ...wish, assistantId: ASSISTANT });

  const answer = await world.ask('/v1/talk/create-phone-call', {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ assistant: { assistantId }, toNumber: 'desk' }),
  });
  const { data } = (await answer.json()) as { data: { contextId: ContextId } };
  const { placeNextCall } = assembleOutbound({ ...world.parts, nodeId: 'node-a' as NodeId });
  expect(await placeNextCall(AbortSignal.timeout(5_000))).toBe(true);

  expect(answer.status).toBe(202);
  expect(phone.calls.map(({ request }) => request.uri)).toEqual([expect.stringMatching(/^sip:x@127\.0\.0\.1/)]);
  expect(await world.storage.calls.find(data.contextId)).toMatchObject({
    credentialId: null,
    providerCallId: phone.calls[0]?.request.callId,
  });
});
