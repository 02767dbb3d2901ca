import type { RequestDraft } from './dialog/dialog.ts';
import type { Clock, Random } from './environment.ts';
import type { HostPort } from './message/grammar.ts';
import { printHostPort } from './message/grammar.ts';
import type { SipRequest, SipResponse } from './message/message.ts';
import type { ServerTransaction } from './transaction/server-transaction.ts';
import type { TransactionLayer } from './transaction/transaction-layer.ts';
import type { Flow, Target } from './transport/flow.ts';
import type { TransportSet } from './transport/transport-set.ts';
import type { Resolver } from './uac/locate-server.ts';

/** Answers a 401 or 407: the headers to add, or undefined when no challenge can be met (see digest/). */
export type ChallengeAnswerer = (
  response: SipResponse,
  request: SipRequest,
) => readonly { name: string; value: string }[] | undefined;

/** What a dialog's owner does with its requests. */
export interface DialogOwner {
  readonly request: (transaction: ServerTransaction) => void;
  readonly ack: (ack: SipRequest) => void;
  /** The stack is closing: stop every timer. */
  readonly close: () => void;
}

/** What every part of a user agent works with. */
export interface AgentCore {
  readonly clock: Clock;
  readonly random: Random;
  readonly transactions: TransactionLayer;
  readonly transports: TransportSet;
  readonly resolver: Resolver;
  /** The name in User-Agent and Server. */
  readonly product: string;
  /** What to put into Via and Contact for a peer: the address it reaches us by. */
  readonly advertise: (remote: Target, local: Target) => HostPort;
  /** Dialogs by their key: requests with a To tag find their owner here. */
  readonly dialogs: Map<string, DialogOwner>;
  /** Calls being placed and registrations: what else holds timers, to be closed with the agent. */
  readonly ongoing: Set<{ close(): void }>;
  /** Targets that answered 503 with Retry-After, and until when (ms of the clock) they are left alone. */
  readonly avoided: Map<string, number>;
}

/** The methods we serve (RFC 3261, 20.5). */
export const ALLOW = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'INFO', 'UPDATE', 'PRACK', 'REFER', 'NOTIFY'];
/** The extensions we speak as a server. Replaces is ours to send only, inside a Refer-To. */
export const SUPPORTED = ['100rel', 'timer'];

export const ALLOW_HEADER = { name: 'Allow', value: ALLOW.join(', ') };
export const SUPPORTED_HEADER = { name: 'Supported', value: SUPPORTED.join(', ') };

/** Our Contact for what goes over a flow. */
export function contactFor(core: AgentCore, flow: Flow, user?: string): string {
  const host = printHostPort(core.advertise(flow.remote, flow.local));
  const transport = flow.protocol === 'UDP' ? '' : `;transport=${flow.protocol.toLowerCase()}`;
  return `<sip:${user === undefined ? '' : `${user}@`}${host}${transport}>`;
}

/** A request ready for a flow: Via on top. */
export function bindToFlow(core: AgentCore, draft: RequestDraft, flow: Flow): SipRequest {
  const { nextHop: _, ...request } = draft;
  return { ...request, vias: [core.transactions.createVia(flow, core.advertise(flow.remote, flow.local))] };
}
