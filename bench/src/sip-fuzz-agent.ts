import { FakeMedia, fakeAgent, logged } from '@assistant/server/protocols/sip/fakes/agent';
import { FakeFlow } from '@assistant/server/protocols/sip/fakes/wire';
import { parseMessage } from '@assistant/server/protocols/sip/message/parse-message';
import type { IncomingCall } from '@assistant/server/protocols/sip/uas/incoming-call';
import { type Draw, drawFrom, messageOfSomeCall, mutate, TORTURE } from './sip-fuzz-inputs.ts';

/** What one agent made of its inputs: what each cost, in ms, and what it left behind (nothing, or it leaks). */
export type Episode = { readonly costsMs: Float64Array; readonly left: string };

/** So many inputs an agent gets before it is closed. */
export const EPISODE_INPUTS = 60;

/** A user agent on a clock of its own, its user and its peers all at random. @throws whatever the agent throws: it must not. */
export async function playEpisode(seed: number): Promise<Episode> {
  const draw = drawFrom(seed);
  const { agent, clock, incoming, flow } = fakeAgent();
  const flows = [flow, new FakeFlow('TCP'), new FakeFlow('UDP', '10.0.0.1:5060')];
  const costsMs = new Float64Array(EPISODE_INPUTS);
  for (let step = 0; step < EPISODE_INPUTS; step++) {
    const over = flows[draw(flows.length)] ?? flow;
    const tag = over.sent.at(-1)?.to.params.get('tag') ?? '';
    const source = TORTURE[draw(TORTURE.length)];
    const bytes = draw(6) === 0 && source !== undefined ? mutate(source, draw) : messageOfSomeCall(draw, tag);
    const beforeMs = performance.now();
    agent.transportEvents.message(parseMessage(bytes), over);
    costsMs[step] = performance.now() - beforeMs;
    const call = incoming[draw(incoming.length || 1)];
    if (call !== undefined) act(call, draw);
    clock.advance(draw(5) === 0 ? draw(40_000) : draw(600));
    if (draw(6) === 0) await settle();
  }
  await agent[Symbol.asyncDispose]();
  await settle();
  const left = [agent.load.transactions, agent.load.dialogs, clock.pendingTimers].join();
  return { costsMs, left: left === '0,0,0' ? '' : `transactions, dialogs, timers left: ${left}` };
}

function act(call: IncomingCall, draw: Draw): void {
  const choice = draw(8);
  if (choice === 0) call.ring(draw(2) === 0 ? new FakeMedia() : undefined);
  if (choice === 2) call.reject(486);
  if (choice !== 1) return;
  const accepted = call.accept(new FakeMedia(), logged([]));
  if (accepted && draw(2) === 0) accepted.reoffer();
  if (accepted && draw(4) === 0) accepted.hangUp();
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
