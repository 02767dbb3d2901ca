import { settle } from '../../../../test/fakes/fake-clock.ts';
import type { Call } from '../call/call.ts';
import type { SipRequest } from '../message/message.ts';
import type { OutgoingCallOptions } from '../uac/outgoing-call.ts';
import type { UserAgentOptions } from '../user-agent.ts';
import { FakeMedia, fakeAgent, lastSent, logged } from './agent.ts';
import { responseTo } from './wire.ts';

/** What a response with a description carries. */
export const ANSWER = ['Contact: <sip:100@192.0.2.9:5062>', 'Content-Type: application/sdp', '', 'their answer'];

/** A call we have placed to 192.0.2.9:5062; its INVITE has gone out. `reply` answers the newest INVITE. */
export async function placed(options: Partial<OutgoingCallOptions> = {}, agentOptions: Partial<UserAgentOptions> = {}) {
  const agent = fakeAgent(agentOptions);
  const log: string[] = [];
  const media = new FakeMedia();
  const calls: Call[] = [];
  const outgoing = agent.agent.call({
    to: 'sip:100@192.0.2.9:5062',
    from: { uri: 'sip:us@192.0.2.1', params: new Map() },
    media,
    handlers: {
      ...logged(log),
      progress: (status) => void log.push(`progress ${status}`),
      earlyMedia: () => void log.push('early media'),
      answered: (call) => {
        calls.push(call);
        log.push('answered');
      },
      refused: (status) => void log.push(`refused ${status}`),
    },
    ...options,
  });
  await settle();
  const invite = (): SipRequest => lastSent(agent.flow, 'INVITE');
  let newest = invite();
  const reply = async (status: number, ...lines: string[]) => {
    const found = agent.flow.sent.findLast((message) => message.type === 'request' && message.method === 'INVITE');
    if (found?.type === 'request') newest = found;
    await agent.receive(responseTo(newest, status, ...lines));
  };
  return { ...agent, outgoing, log, media, calls, invite, reply };
}
