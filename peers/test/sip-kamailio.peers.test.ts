import { ASSISTANT, KEY, SipWorld, until } from '@assistant/server/channels/sip/fakes/sip-world';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Kamailio, startKamailio } from '../src/kamailio/kamailio.ts';
import { runSipp } from '../src/sipp/sipp.ts';
import { hitchesOf } from '../src/sipp/sipp-counts.ts';

/** Two servers behind Debian's Kamailio with the sample of deploy/kamailio; SIPp calls the proxy. */
let worlds: SipWorld[];
let kamailio: Kamailio;

beforeEach(async () => {
  worlds = [await SipWorld.open(), await SipWorld.open()];
  kamailio = await startKamailio(worlds.map(({ server }) => server.ports.udp));
});

afterEach(async () => {
  await kamailio?.[Symbol.asyncDispose]();
  for (const world of worlds) await world[Symbol.asyncDispose]();
});

async function play(scenario: string, calls = 1) {
  const who = { service: scenario === 'digest' ? '15550100' : ASSISTANT, username: ASSISTANT, password: KEY };
  const result = await runSipp({ scenario, port: kamailio.port, ...who, calls });
  expect(result.complaint).toBe('');
  return result;
}

test('calls go through it by digest, ACK and BYE by Record-Route, and both servers have some', async () => {
  const { counts } = await play('digest', 20);

  await until(() => worlds.every(({ server }) => server.load.dialogs === 0));
  const opened = worlds.map(({ calls }) => calls.announced.length);
  expect(hitchesOf(counts)).toEqual({ sentAgain: 0, cameAgain: 0, missing: 0, unexpected: 0 });
  expect(opened[0] ?? 0).toBeGreaterThan(0);
  expect(opened[1] ?? 0).toBeGreaterThan(0);
  expect((opened[0] ?? 0) + (opened[1] ?? 0)).toBe(20);
});

test('hold, resume and our own BYE find their way through it', async () => {
  await play('hold');

  const hangingUp = play('server-hangs-up');
  const attached = () => worlds.flatMap(({ calls }) => calls.attached);
  await until(() => attached().length === 2);
  for (const media of attached()) media.close();
  await hangingUp;
});

test('a server that drains: the calls go to the other one', async () => {
  worlds[0]?.server.drain();

  await play('dial-string', 10);

  expect(worlds.map(({ calls }) => calls.announced.length)).toEqual([0, 10]);
});

test('a caller that gives up: CANCEL goes through', async () => {
  const gate = Promise.withResolvers<void>();
  for (const world of worlds) world.rtp.gate = gate.promise;

  await play('cancel');
  gate.resolve();

  await until(() => worlds.some(({ calls }) => calls.log.includes('ended cancelled')));
});
