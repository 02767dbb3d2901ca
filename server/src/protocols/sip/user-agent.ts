import { type AgentCore, ALLOW_HEADER, SUPPORTED_HEADER } from './agent-core.ts';
import { dialogKeyOf } from './dialog/dialog.ts';
import { type Clock, type Random, randomToken } from './environment.ts';
import { createResponse } from './message/create.ts';
import type { HostPort } from './message/grammar.ts';
import type { Header, SipRequest } from './message/message.ts';
import { tagOf } from './message/name-address.ts';
import type { ServerTransaction } from './transaction/server-transaction.ts';
import { TransactionLayer } from './transaction/transaction-layer.ts';
import type { Flow, Target, Transport, TransportEvents } from './transport/flow.ts';
import { TransportSet } from './transport/transport-set.ts';
import { askBindings, type Bindings, type BindingsOptions } from './uac/ask-bindings.ts';
import type { Resolver } from './uac/locate-server.ts';
import { OutgoingCall, type OutgoingCallOptions } from './uac/outgoing-call.ts';
import { Probe, type ProbeOptions } from './uac/probe.ts';
import { Registration, type RegistrationOptions } from './uac/registration.ts';
import { IncomingCall } from './uas/incoming-call.ts';
import { ACCEPT_SDP, screenRequest } from './uas/screen-request.ts';

export type UserAgentOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly resolver: Resolver;
  /** The name in Server and User-Agent. */
  readonly product: string;
  /** The host and port a peer reaches us by; default: where the flow ends. */
  readonly advertise?: (remote: Target, local: Target) => HostPort;
  readonly onInvite: (call: IncomingCall) => void;
  /** A REGISTER; without it 405. It must be answered. */
  readonly onRegister?: (transaction: ServerTransaction) => void;
  /**
   * Asked before any work is spent on an INVITE or OPTIONS: a status and headers refuse it (503 with Retry-After when full or
   * draining), 'drop' says nothing at all.
   */
  readonly admit?: (request: SipRequest, flow: Flow) => Admission;
  readonly onError?: (error: Error, target: Target | undefined) => void;
};

export type Admission = 'admit' | 'drop' | { readonly status: number; readonly headers: readonly Header[] };

/**
 * A SIP user agent (RFC 3261, 8): answers and places calls, registers, and shows requests to whom they belong.
 *
 *     transports -> transactions -> [ ACK | CANCEL | in a dialog | OPTIONS | INVITE | REGISTER ]
 */
export class UserAgent implements AsyncDisposable {
  readonly #options: UserAgentOptions;
  readonly #core: AgentCore;
  readonly #incoming = new Map<ServerTransaction, IncomingCall>();
  /** Of each Call-ID, while its transaction lasts: 32 s, so at 200 calls a second they are many. */
  readonly #newestOf = new Map<string, IncomingCall>();
  readonly #transports: Transport[] = [];
  /** Hand these to the transports this agent shall hear. */
  readonly transportEvents: TransportEvents;

  constructor(options: UserAgentOptions) {
    this.#options = options;
    const transports = new TransportSet(this.#transports);
    const transactions = new TransactionLayer({
      clock: options.clock,
      random: options.random,
      open: (target) => transports.flowTo(target),
      onRequest: (transaction) => this.#receive(transaction),
      onAck: (ack) => this.#core.dialogs.get(dialogKeyOf(ack) ?? '')?.ack(ack),
    });
    this.#core = {
      clock: options.clock,
      random: options.random,
      resolver: options.resolver,
      product: options.product,
      advertise: options.advertise ?? ((_remote, local) => ({ host: local.address, port: local.port })),
      transactions,
      transports,
      dialogs: new Map(),
      ongoing: new Set(),
      avoided: new Map(),
    };
    this.transportEvents = {
      message: (result, flow) => transactions.receive(result, flow),
      error: (error, target) => options.onError?.(error, target),
    };
  }

  /** Adds a transport that was opened with `transportEvents`; it is closed with the agent. */
  listen(transport: Transport): void {
    this.#transports.push(transport);
  }

  /** Transactions and dialogs held: both zero when idle. */
  get load(): { readonly transactions: number; readonly dialogs: number; readonly malformed: number } {
    const { transactions, dialogs } = this.#core;
    return { transactions: transactions.size, dialogs: dialogs.size, malformed: transactions.counters.malformed };
  }

  call(options: OutgoingCallOptions): OutgoingCall {
    return new OutgoingCall(this.#core, options);
  }

  /** Asks a peer each minute whether it is there. */
  probe(options: ProbeOptions): Probe {
    return new Probe(this.#core, options);
  }

  /** Asks a registrar, once, which contacts it has for an address. Never throws. */
  bindings(options: BindingsOptions): Promise<Bindings> {
    return askBindings(this.#core, options);
  }

  register(options: RegistrationOptions): Registration {
    return new Registration(this.#core, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const owner of [...this.#core.dialogs.values()]) owner.close();
    for (const one of [...this.#core.ongoing]) one.close();
    this.#core.transactions.close();
    await this.#core.transports[Symbol.asyncDispose]();
  }

  #receive(transaction: ServerTransaction) {
    const { request } = transaction;
    if (request.method === 'CANCEL') return this.#cancel(transaction);
    const key = dialogKeyOf(request);
    if (key !== undefined) return this.#receiveInDialog(transaction, key);
    if (this.#core.transactions.isMerged(request)) return this.#respond(transaction, 482);
    const admission = this.#options.admit?.(request, transaction.flow) ?? 'admit';
    if (admission === 'drop') return transaction.terminate();
    if (admission !== 'admit') return this.#respond(transaction, admission.status, admission.headers);
    const refusal = this.#screen(request);
    if (refusal) return this.#respond(transaction, refusal.status, refusal.headers);
    if (request.method === 'INVITE') this.#invite(transaction);
    else if (request.method === 'OPTIONS')
      this.#respond(transaction, 200, [ALLOW_HEADER, ACCEPT_SDP, SUPPORTED_HEADER]);
    else if (request.method === 'REGISTER') this.#options.onRegister?.(transaction);
    else this.#respond(transaction, 481);
  }

  #screen(request: SipRequest) {
    if (request.method === 'REGISTER' && this.#options.onRegister) return undefined;
    return screenRequest(request);
  }

  /** 12.2.2: a dialog nobody knows is 481; but for ACK, which is never answered. */
  #receiveInDialog(transaction: ServerTransaction, key: string): void {
    const owner = this.#core.dialogs.get(key);
    const refusal = owner ? screenRequest(transaction.request) : undefined;
    if (!owner) this.#respond(transaction, 481);
    else if (refusal) this.#respond(transaction, refusal.status, refusal.headers);
    else owner.request(transaction);
  }

  /**
   * 9.2: 200 to the CANCEL, with the To tag of the call, then 487 to its INVITE; the transaction layer absorbs a repeated CANCEL.
   */
  #cancel(transaction: ServerTransaction) {
    const invite = this.#core.transactions.findInvite(transaction.request);
    if (!invite) return this.#respond(transaction, 481);
    const call = this.#incoming.get(invite);
    this.#respond(transaction, 200, [], call?.localTag ?? invite.localTag);
    call?.cancel();
  }

  #invite(transaction: ServerTransaction) {
    transaction.respond(createResponse(transaction.request, 100));
    const { callId } = transaction.request;
    const other = this.#newestOf.get(callId);
    if (other && !other.isOver) return this.#respond(transaction, 482);
    const call = new IncomingCall(this.#core, transaction);
    this.#incoming.set(transaction, call);
    this.#newestOf.set(callId, call);
    transaction.onDecided = () => {
      this.#incoming.delete(transaction);
      if (this.#newestOf.get(callId) === call) this.#newestOf.delete(callId);
    };
    this.#options.onInvite(call);
  }

  #respond(
    transaction: ServerTransaction,
    status: number,
    headers: readonly Header[] = [],
    tag = randomToken(this.#core.random),
  ): void {
    const { request } = transaction;
    const toTag = tagOf(request.to) ?? tag;
    const server = { name: 'Server', value: this.#options.product };
    transaction.respond(createResponse(request, status, { headers: [...headers, server], toTag }));
  }
}
