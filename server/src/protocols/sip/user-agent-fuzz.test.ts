import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settle } from '../../../test/fakes/fake-clock.ts';
import { FakeMedia, fakeAgent, logged } from './fakes/agent.ts';
import { FakeFlow, request } from './fakes/wire.ts';
import { parseMessage } from './message/parse-message.ts';
import type { IncomingCall } from './uas/incoming-call.ts';

/** SIP_FUZZ_RUNS makes a longer run, SIP_FUZZ_SEED repeats one. */
const RUNS = Number(process.env['SIP_FUZZ_RUNS'] ?? 60);
const SEED = Number(process.env['SIP_FUZZ_SEED'] ?? Date.now() % 2 ** 31);

const METHODS = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'UPDATE', 'INFO', 'PRACK', 'OPTIONS', 'REFER', 'NOTIFY', 'MESSAGE'];
const EXTRAS = [
  [],
  ['Content-Type: application/sdp', '', 'offer'],
  ['Content-Type: application/sdp', '', 'no-codec'],
  ['Supported: timer, 100rel', 'Session-Expires: 90;refresher=uac'],
  ['Require: 100rel'],
  ['Refer-To: <sip:a@b>'],
  ['Contact: <sip:x@198.51.100.9>'],
  ['Event: refer', 'Content-Type: message/sipfrag', '', 'SIP/2.0 200 OK'],
  ['RAck: 1 1 INVITE'],
];

test(`a peer that sends anything at any time: nothing throws, each call ends once, nothing is left (seed ${SEED})`, async () => {
  const random = lcg(SEED);
  for (let run = 0; run < RUNS; run++) {
    const { agent, clock, ends } = await drive(random);
    await agent[Symbol.asyncDispose]();
    await settle();

    const where = `seed ${SEED}, run ${run}`;
    expect(ends.map(howOften), where).toEqual(ends.map(() => 'once, last'));
    expect([agent.load.transactions, agent.load.dialogs, clock.pendingTimers], where).toEqual([0, 0, 0]);
  }
});

function howOften(log: readonly string[]): string {
  const count = log.filter((line) => line.startsWith('ended')).length;
  return `${count === 1 ? 'once' : `${count} times`}, ${log.at(-1)?.startsWith('ended') ? 'last' : 'not last'}`;
}

/** Sixty steps of a peer and a user that know no rules. */
async function drive(random: (limit: number) => number) {
  const fake = fakeAgent();
  const flows = [fake.flow, new FakeFlow('TCP'), new FakeFlow('UDP', '10.0.0.1:5060')];
  const ends: string[][] = [];
  for (let step = 0; step < 60; step++) {
    const over = flows[random(flows.length)] ?? fake.flow;
    const tag = over.sent.at(-1)?.to.params.get('tag');
    fake.agent.transportEvents.message(anything(random, tag ?? undefined), over);
    const call = fake.incoming[random(fake.incoming.length || 1)];
    if (call) act(call, random, ends);
    fake.clock.advance(random(5) === 0 ? random(40_000) : random(600));
    if (random(3) === 0) await settle();
  }
  return { ...fake, ends };
}

function act(call: IncomingCall, random: (limit: number) => number, ends: string[][]): void {
  const choice = random(8);
  if (choice === 0) call.ring(random(2) === 0 ? new FakeMedia() : undefined);
  if (choice === 2) call.reject(486);
  if (choice !== 1) return;
  const log: string[] = [];
  const accepted = call.accept(new FakeMedia(), logged(log));
  if (!accepted) return;
  ends.push(log);
  if (random(2) === 0) accepted.reoffer();
  if (random(4) === 0) accepted.hangUp();
}

const FIXTURES = new URL('message/fixtures/rfc4475/', import.meta.url);
const RAW = readdirSync(FIXTURES).map((name) => readFileSync(new URL(name, FIXTURES)));

/** A tortured message, or a request of a few calls and branches that may or may not fit. */
function anything(random: (limit: number) => number, tag: string | undefined) {
  if (random(6) === 0) return parseMessage(RAW[random(RAW.length)] ?? Buffer.alloc(0));
  const method = METHODS[random(METHODS.length)] ?? 'INVITE';
  const to = random(2) === 0 && tag !== undefined ? [`To: <sip:100@192.0.2.1>;tag=${tag}`] : [];
  const via = `Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK${random(6)};rport`;
  const lines = [
    via,
    `Call-ID: call-${random(3)}`,
    `CSeq: ${1 + random(5)} ${method}`,
    ...to,
    ...(EXTRAS[random(EXTRAS.length)] ?? []),
  ];
  return { ok: true as const, message: request(`${method} sip:100@192.0.2.1`, ...lines) };
}

function lcg(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
