import { FakeClock, settle } from '../../../../test/fakes/fake-clock.ts';
import type { CallHandlers } from '../call/call-options.ts';
import type { OfferAnswer } from '../call/offer-answer.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import type { Flow, Target, Transport } from '../transport/flow.ts';
import type { Resolver } from '../uac/locate-server.ts';
import type { IncomingCall } from '../uas/incoming-call.ts';
import { UserAgent, type UserAgentOptions } from '../user-agent.ts';
import { CountingRandom, FakeFlow, ok } from './wire.ts';

/** Media that agrees to everything but an offer with `no-codec`, and keeps a log. */
export class FakeMedia implements OfferAnswer {
  readonly log: string[] = [];
  answer(offer: string): string | undefined {
    this.log.push(`answer ${offer.trim()}`);
    return offer.includes('no-codec') ? undefined : `answer to ${offer}`;
  }
  offer(): string {
    this.log.push('offer');
    return 'our offer';
  }
  accept(answer: string): boolean {
    this.log.push(`accept ${answer.trim()}`);
    return !answer.includes('no-codec');
  }
  rollback(): void {
    this.log.push('rollback');
  }
}

export const NO_DNS: Resolver = { naptr: async () => [], srv: async () => [], addresses: async () => [] };

/** A user agent on a fake clock whose only peer is the test: what it sends to any address lands in `flow.sent`. */
export function fakeAgent(options: Partial<UserAgentOptions> = {}) {
  const clock = new FakeClock();
  const flow = new FakeFlow();
  const flows = new Map<string, FakeFlow>([['192.0.2.9:5062', flow]]);
  const incoming: IncomingCall[] = [];
  const agent = new UserAgent({
    clock,
    random: new CountingRandom(),
    resolver: NO_DNS,
    product: 'test',
    onInvite: (call) => incoming.push(call),
    ...options,
  });
  const transport = (protocol: 'UDP' | 'TCP'): Transport => ({
    protocol,
    local: { protocol, address: '192.0.2.1', port: 5090 },
    flowTo: async ({ address, port }: Target): Promise<Flow> => {
      const key = `${address}:${port}`;
      const known = flows.get(key) ?? new FakeFlow(protocol, key);
      flows.set(key, known);
      if (!known.isOpen) throw new Error('ECONNREFUSED');
      return known;
    },
    [Symbol.asyncDispose]: async () => {},
  });
  agent.listen(transport('UDP'));

  const receive = async (message: SipMessage, over: Flow = flow) => {
    agent.transportEvents.message(ok(message), over);
    await settle();
  };
  return { agent, clock, flow, flows, incoming, receive, transport };
}

/** Handlers that write down what they hear. */
export function logged(log: string[]): Required<CallHandlers> {
  return {
    established: () => void log.push('established'),
    ended: (why) => void log.push(`ended: ${why}`),
    mediaChanged: () => void log.push('media'),
    digit: (digit, durationMs) => void log.push(`digit ${digit} ${durationMs}`),
    transferProgress: ({ status, isFinal }) => void log.push(`transfer ${status}${isFinal ? ' final' : ''}`),
    transferRequested: (target) => {
      log.push(`asked to call ${target}`);
      return false;
    },
  };
}

/** The newest request of a method that was sent, without removing it. */
export function lastSent(flow: FakeFlow, method: string): SipRequest {
  const found = flow.sent.findLast((message) => message.type === 'request' && message.method === method);
  if (found?.type !== 'request') throw new Error(`no ${method} was sent, only ${flow.sent.map(summary).join(', ')}`);
  return found;
}

function summary(message: SipMessage): string {
  return message.type === 'request' ? message.method : `${message.status}`;
}
