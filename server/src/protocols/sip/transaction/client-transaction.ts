import type { Clock } from '../environment.ts';
import { createFailureAck } from '../message/create.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { serializeMessage } from '../message/serialize-message.ts';
import { type Flow, isReliable } from '../transport/flow.ts';
import { Machine } from './machine.ts';
import { type ClientEvent, type ClientState, INVITE_CLIENT, NON_INVITE_CLIENT } from './state-tables.ts';

/** What the user of a client transaction hears. After a final response (but a 2xx to INVITE) nothing more comes. */
export type ClientHandlers = {
  readonly response: (response: SipResponse) => void;
  /** No final response: timer B or F, or the transport failed. RFC 3261, 8.1.3.1: act as on a 408, or a 503. */
  readonly failed: (why: 'timeout' | 'transport') => void;
};

/** One request under way (RFC 3261, 17.1). */
export class ClientTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly #bytes: Uint8Array;
  readonly #handlers: ClientHandlers;
  readonly #machine: Machine<ClientState, ClientEvent>;
  #newest: SipResponse | undefined;

  constructor(
    request: SipRequest,
    flow: Flow,
    tools: { readonly clock: Clock; readonly handlers: ClientHandlers; readonly terminated: () => void },
  ) {
    this.request = request;
    this.flow = flow;
    this.#bytes = serializeMessage(request);
    this.#handlers = tools.handlers;
    this.#machine = new Machine({
      table: request.method === 'INVITE' ? INVITE_CLIENT : NON_INVITE_CLIENT,
      initial: 'start',
      clock: tools.clock,
      isReliable: isReliable(flow.protocol),
      terminated: tools.terminated,
      effects: {
        send: () => this.#send(this.#bytes),
        ack: () => this.#newest && this.#send(serializeMessage(createFailureAck(this.request, this.#newest))),
        deliver: () => this.#newest && this.#handlers.response(this.#newest),
        'tell timeout': () => this.#handlers.failed('timeout'),
        'tell failure': () => this.#handlers.failed('transport'),
      },
    });
  }

  get state(): ClientState {
    return this.#machine.state;
  }

  /** Sends the request for the first time. */
  begin(): void {
    this.#machine.handle('begin');
  }

  receive(response: SipResponse): void {
    this.#newest = response;
    this.#machine.handle(response.status < 200 ? '1xx' : response.status < 300 ? '2xx' : '3xx-6xx');
  }

  /** Ends without a word: the user has lost interest, or the stack is closing. */
  terminate(): void {
    this.#machine.terminate();
  }

  /** A send may fail while the machine is in a step; the event follows once that step is done. */
  #send(bytes: Uint8Array): void {
    if (!this.flow.send(bytes)) queueMicrotask(() => this.#machine.handle('transport error'));
  }
}
