import { describe, expect, test } from 'vitest';
import { settle } from '../../../../test/fakes/fake-clock.ts';
import { DigestClient } from '../../digest/digest-client.ts';
import { fakeAgent, lastSent } from '../fakes/agent.ts';
import { request, responseTo } from '../fakes/wire.ts';
import { headerOf } from '../message/message.ts';
import { readRegister } from '../uas/register-request.ts';
import { answerWithDigest } from './answer-challenge.ts';
import type { RegistrationState } from './registration.ts';

describe('registering (10.2)', () => {
  test('the REGISTER names our contact and how long', async () => {
    const { sent } = await registering();

    expect(sent().uri).toBe('sip:192.0.2.9:5062');
    expect(headerOf(sent(), 'Contact')).toBe('<sip:us@192.0.2.1:5090>;expires=3600');
  });

  test('it is refreshed at 50-90 % of what was granted, with the same Call-ID and a higher CSeq', async () => {
    const { reply, clock, sent, flow, states } = await registering();
    const first = sent();
    await reply(200, 'Contact: <sip:us@192.0.2.1:5090>;expires=100');
    flow.sent.length = 0;

    clock.advance(49_999);
    await settle();
    expect(flow.sent.filter(({ cseq }) => cseq.method === 'REGISTER')).toEqual([]);
    clock.advance(40_001);
    await settle();

    expect([sent().callId, sent().cseq.number]).toEqual([first.callId, first.cseq.number + 1]);
    expect(states).toEqual([{ type: 'registered', seconds: 100 }]);
  });

  test('423: at once with the registrar his least', async () => {
    const { reply, sent } = await registering(60);

    await reply(423, 'Min-Expires: 300');

    expect(headerOf(sent(), 'Expires')).toBe('300');
  });

  test('401 is answered', async () => {
    const { reply, sent } = await registering();

    await reply(401, 'WWW-Authenticate: Digest realm="pbx", nonce="n"');

    expect(headerOf(sent(), 'Authorization')).toContain('uri="sip:192.0.2.9:5062"');
  });

  test('a failure is tried again in 30 s, then 60, doubling to 30 min', async () => {
    const { reply, flow, clock } = await registering();
    const waits: number[] = [];

    for (let round = 0; round < 9; round++) {
      await reply(403);
      flow.take();
      const startMs = clock.nowMs();
      while (flow.sent.length === 0) await clock.run(10_000, 10_000);
      waits.push((clock.nowMs() - startMs) / 1000);
    }

    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
  });

  test('the flow is kept open between refreshes', async () => {
    const { reply, flow, clock } = await registering();
    const raw: string[] = [];
    await reply(200, 'Expires: 3600');
    flow.send = (bytes) => raw.push(Buffer.from(bytes).toString()) > 0;

    clock.advance(50_000);

    expect(raw).toEqual(['\r\n\r\n', '\r\n\r\n']);
  });

  test('a drain takes it back with Expires 0', async () => {
    const { reply, registration, sent, states, clock } = await registering();
    await reply(200, 'Expires: 3600');

    registration.remove();
    await settle();
    await reply(200);

    expect(headerOf(sent(), 'Expires')).toBe('0');
    expect(states.at(-1)).toEqual({ type: 'removed' });
    clock.advance(40_000);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a REGISTER that comes in (10.3)', () => {
  const register = (...lines: string[]) =>
    readRegister(request('REGISTER sip:192.0.2.1', 'To: <sip:100@192.0.2.1>', ...lines));

  test('the contact its own expires goes before the header, the default is an hour', () => {
    const read = register('Contact: <sip:a@h>;expires=60, <sip:b@h>', 'Expires: 120');

    expect(read.type === 'bind' && read.bindings.map(({ uri, seconds }) => [uri, seconds])).toEqual([
      ['sip:a@h', 60],
      ['sip:b@h', 120],
    ]);
    expect(register('Contact: <sip:a@h>')).toMatchObject({ bindings: [{ seconds: 3600 }] });
  });

  test('* removes all, with Expires 0 only', () => {
    expect(register('Contact: *', 'Expires: 0').type).toBe('remove all');
    expect(register('Contact: *')).toEqual({ type: 'refused', status: 400 });
  });

  test('without Contact it asks, and a To of another scheme is 404', () => {
    expect(register().type).toBe('query');
    expect(readRegister(request('REGISTER sip:h', 'To: isbn:2983792873'))).toEqual({ type: 'refused', status: 404 });
  });
});

async function registering(expiresSeconds = 3600) {
  const agent = fakeAgent();
  const states: RegistrationState[] = [];
  const registration = agent.agent.register({
    registrar: 'sip:192.0.2.9:5062',
    aor: 'sip:us@192.0.2.9',
    contactUser: 'us',
    expiresSeconds,
    credentials: answerWithDigest(
      new DigestClient({ username: 'us', password: 'x' }, (count) => new Uint8Array(count)),
    ),
    changed: (state) => states.push(state),
  });
  await settle();
  const sent = () => lastSent(agent.flow, 'REGISTER');
  const reply = (status: number, ...lines: string[]) => agent.receive(responseTo(sent(), status, ...lines));
  return { ...agent, registration, states, sent, reply };
}
