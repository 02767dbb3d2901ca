import { expect, test } from 'vitest';
import { settle } from '../../../../test/fakes/fake-clock.ts';
import { fakeAgent, lastSent } from '../fakes/agent.ts';
import { responseTo } from '../fakes/wire.ts';

async function probing() {
  const agent = fakeAgent();
  const told: boolean[] = [];
  const probe = agent.agent.probe({
    target: 'sip:192.0.2.9:5062',
    from: 'sip:us@192.0.2.9',
    changed: (isUp) => void told.push(isUp),
  });
  await settle();
  const asked = () => agent.flow.sent.filter(({ cseq }) => cseq.method === 'OPTIONS');
  const reply = (status: number) => agent.receive(responseTo(lastSent(agent.flow, 'OPTIONS'), status));
  /** Till the next one is due, for sure. */
  const nextRound = async () => {
    agent.flow.take();
    agent.clock.advance(66_000);
    await settle();
  };
  return { ...agent, probe, told, asked, reply, nextRound };
}

test('a peer that answers OPTIONS is there, whatever it answers but 503, and is asked again in a minute', async () => {
  const { asked, told, reply, nextRound, clock, flow } = await probing();

  await reply(200);
  flow.take();
  clock.advance(53_000);
  await settle();
  expect(asked()).toEqual([]);
  await nextRound();
  await reply(404);
  await nextRound();
  await reply(503);
  await nextRound();
  await reply(405);

  expect(told).toEqual([true, false, true]);
});

test('one that says nothing for 32 s is gone until it answers', async () => {
  const { told, reply, nextRound, clock } = await probing();

  await clock.run(33_000, 500);
  expect(told).toEqual([false]);
  await nextRound();
  await reply(200);

  expect(told).toEqual([false, true]);
});

test('once closed it asks no more', async () => {
  const { probe, asked, reply, nextRound, told } = await probing();

  probe.close();
  await reply(200);
  await nextRound();

  expect([told, asked()]).toEqual([[], []]);
});
