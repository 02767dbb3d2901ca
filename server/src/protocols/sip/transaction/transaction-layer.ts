import type { Clock, Random } from '../environment.ts';
import { randomToken } from '../environment.ts';
import { createResponse } from '../message/create.ts';
import type { HostPort } from '../message/grammar.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { ParseResult } from '../message/parse-message.ts';
import { serializeMessage, serializeRefusal } from '../message/serialize-message.ts';
import { BRANCH_COOKIE, type Via } from '../message/via.ts';
import type { Flow, Target } from '../transport/flow.ts';
import { stampVia } from '../transport/via-routing.ts';
import { type ClientHandlers, ClientTransaction } from './client-transaction.ts';
import { ServerTransaction } from './server-transaction.ts';
import { clientKey, mergeKey, serverKey } from './transaction-key.ts';

export type TransactionLayerOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly open: (target: Target) => Promise<Flow>;
  /** A new request. It must be answered, at once or later. */
  readonly onRequest: (transaction: ServerTransaction) => void;
  /** An ACK of a 2xx: a transaction of its own, answered by nobody (17.1.1.3). */
  readonly onAck: (ack: SipRequest, flow: Flow) => void;
  /** Server transactions held at once; over it new requests are answered 503 without state. */
  readonly maxServerTransactions?: number;
};

const DEFAULT_MAX_SERVER_TRANSACTIONS = 20_000;
const OVERLOAD_RETRY_SECONDS = 5;

/** Finds the transaction of each message, or makes one (RFC 3261, 17 and 18). */
export class TransactionLayer {
  readonly #options: TransactionLayerOptions;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #merges = new Map<string, string>();
  #isClosed = false;
  /** Messages that were dropped or refused before any transaction, by reason's kind. */
  readonly counters = { malformed: 0, strayResponses: 0, overload: 0 };

  constructor(options: TransactionLayerOptions) {
    this.#options = options;
  }

  /** Transactions under way: zero when all is quiet. */
  get size(): number {
    return this.#clients.size + this.#servers.size;
  }

  /** Takes what a transport read. */
  receive(result: ParseResult, flow: Flow): void {
    if (this.#isClosed) return;
    if (!result.ok) {
      this.counters.malformed++;
      if (result.echo) flow.send(serializeRefusal(result.status, result.reason, result.echo));
    } else if (result.message.type === 'response') this.#receiveResponse(result.message);
    else this.#receiveRequest(stampVia(result.message, flow.remote), flow);
  }

  /** The Via of a request of ours over a flow; rport is always asked for (RFC 3581). */
  createVia(flow: Flow, sentBy: HostPort): Via {
    const branch = `${BRANCH_COOKIE}${randomToken(this.#options.random)}`;
    return {
      ...sentBy,
      transport: flow.protocol,
      params: new Map([
        ['branch', branch],
        ['rport', null],
      ]),
    };
  }

  /** Sends a request, its Via on top; not for ACK. */
  request(request: SipRequest, flow: Flow, handlers: ClientHandlers): ClientTransaction {
    const key = clientKey(request);
    const terminated = () => void this.#clients.delete(key);
    const transaction = new ClientTransaction(request, flow, { clock: this.#options.clock, handlers, terminated });
    if (this.#isClosed) {
      queueMicrotask(() => handlers.failed('transport'));
      return transaction;
    }
    this.#clients.set(key, transaction);
    transaction.begin();
    return transaction;
  }

  /** The INVITE a CANCEL is about (9.2). */
  findInvite(cancel: SipRequest): ServerTransaction | undefined {
    return this.#servers.get(serverKey(cancel, 'INVITE'));
  }

  /** Whether the request came before by another path (8.2.2.2): same From tag, Call-ID and CSeq, other transaction. */
  isMerged(request: SipRequest): boolean {
    const first = this.#merges.get(mergeKey(request));
    return first !== undefined && first !== serverKey(request);
  }

  /** Ends everything at once; nothing is sent or taken any more. */
  close(): void {
    this.#isClosed = true;
    for (const transaction of [...this.#clients.values(), ...this.#servers.values()]) transaction.terminate();
  }

  #receiveResponse(response: SipResponse): void {
    const transaction = this.#clients.get(clientKey(response));
    // 8.1.3.3: a second Via says that the response is another's.
    if (transaction && response.vias.length === 1) transaction.receive(response);
    else this.counters.strayResponses++;
  }

  #receiveRequest(request: SipRequest, flow: Flow): void {
    const key = serverKey(request);
    const existing = this.#servers.get(key);
    if (existing) existing.receive(request);
    else if (request.method === 'ACK') this.#options.onAck(request, flow);
    else if (this.#servers.size >= (this.#options.maxServerTransactions ?? DEFAULT_MAX_SERVER_TRANSACTIONS))
      this.#refuse(request, flow);
    else this.#begin(key, request, flow);
  }

  #begin(key: string, request: SipRequest, flow: Flow): void {
    const merge = mergeKey(request);
    const transaction = new ServerTransaction(request, flow, {
      clock: this.#options.clock,
      open: this.#options.open,
      terminated: () => {
        this.#servers.delete(key);
        if (this.#merges.get(merge) === key) this.#merges.delete(merge);
      },
    });
    this.#servers.set(key, transaction);
    if (!this.#merges.has(merge)) this.#merges.set(merge, key);
    this.#options.onRequest(transaction);
  }

  #refuse(request: SipRequest, flow: Flow): void {
    this.counters.overload++;
    const headers = [{ name: 'Retry-After', value: `${OVERLOAD_RETRY_SECONDS}` }];
    flow.send(serializeMessage(createResponse(request, 503, { headers, toTag: randomToken(this.#options.random) })));
  }
}
