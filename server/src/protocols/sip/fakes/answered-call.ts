import { settle } from '../../../../test/fakes/fake-clock.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import { FakeMedia, fakeAgent, logged } from './agent.ts';
import { FakeFlow, request } from './wire.ts';

/** A caller at 192.0.2.9:5062 and its offer. */
export const SDP = ['Content-Type: application/sdp', '', 'their offer'];
export const INVITE = ['Contact: <sip:caller@192.0.2.9:5062>'];
export const invite = (...lines: string[]) =>
  request('INVITE sip:100@192.0.2.1', ...INVITE, ...lines, ...(lines.includes('') ? [] : SDP));

/** The ACK of a 200, on a branch of its own. */
export function ackOf(tag: string, lines: readonly string[] = []): SipRequest {
  return dialogRequest('ACK', tag, ['Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKack', ...lines]);
}
let branches = 0;

/** A request of the caller inside the dialog, on a fresh branch. */
export function dialogRequest(method: string, tag: string, lines: readonly string[]): SipRequest {
  const via = lines.some((line) => line.startsWith('Via:'))
    ? []
    : [`Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKd${branches++}`];
  return request(`${method} sip:100@192.0.2.1`, ...via, `To: <sip:100@192.0.2.1>;tag=${tag}`, ...lines);
}

/** A call we have rung and accepted; its ACK has not come. Lines go into the INVITE; a flow replaces the usual one. */
export async function answered(...parts: (string | FakeFlow)[]) {
  const over = parts.find((part) => part instanceof FakeFlow);
  const lines = parts.filter((part) => typeof part === 'string');
  const agent = fakeAgent();
  const flow = over ?? agent.flow;
  const receive = (message: SipMessage) => agent.receive(message, flow);
  const hasContact = lines.some((line) => line.startsWith('Contact:'));
  const body = lines.includes('') ? [] : SDP;
  await receive(request('INVITE sip:100@192.0.2.1', ...(hasContact ? [] : INVITE), ...lines, ...body));
  const log: string[] = [];
  const media = new FakeMedia();
  agent.incoming[0]?.ring();
  const call = agent.incoming[0]?.accept(media, logged(log));
  if (!call) throw new Error('not accepted');
  await settle();
  const tag = flow.sent.at(-1)?.to.params.get('tag') ?? '';
  const ack = (...more: string[]) => receive(ackOf(tag, more));
  return { ...agent, flow, receive, call, log, media, tag, ack };
}

/** A call whose ACK has come. `inDialog` sends a request and gives what was sent in return. */
export async function established(...lines: string[]) {
  const all = await answered(...lines);
  await all.ack();
  all.flow.take();
  let cseq = 1;
  const inDialog = async (method: string, ...more: string[]) => {
    cseq++;
    const numbered = more.some((line) => line.startsWith('CSeq:')) ? [] : [`CSeq: ${cseq} ${method}`];
    await all.receive(dialogRequest(method, all.tag, [...numbered, ...more]));
    all.flow.last = all.flow.sent.at(-1);
    return all.flow.take();
  };
  return { ...all, inDialog };
}
