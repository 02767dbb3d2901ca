import type { Clock } from '../environment.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { tagOf } from '../message/name-address.ts';
import { serializeMessage } from '../message/serialize-message.ts';
import { type Flow, isReliable, type Target } from '../transport/flow.ts';
import { sendResponse } from '../transport/via-routing.ts';
import { Machine } from './machine.ts';
import { INVITE_SERVER, NON_INVITE_SERVER, type ServerEvent, type ServerState } from './state-tables.ts';

export type ServerTools = {
  readonly clock: Clock;
  readonly open: (target: Target) => Promise<Flow>;
  readonly terminated: () => void;
};

const NOTHING = () => {};

/** One request being answered (RFC 3261, 17.2). */
export class ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** An ACK that came on the INVITE's own branch after a 2xx (RFC 6026, 7.1). */
  onAck: (ack: SipRequest) => void = () => {};
  /** No ACK to a failure response, or it could not be sent. Nothing is left to do but to forget. */
  onFailed: (why: 'timeout' | 'transport') => void = () => {};
  /** Told once: a final response was given, or it ended without one. It stays for up to 32 s more, and must not hold the call. */
  onDecided: () => void = NOTHING;
  readonly #tools: ServerTools;
  readonly #machine: Machine<ServerState, ServerEvent>;
  #newest: { readonly response: SipResponse; readonly bytes: Uint8Array } | undefined;
  #ack: SipRequest | undefined;

  constructor(request: SipRequest, flow: Flow, tools: ServerTools) {
    this.request = request;
    this.flow = flow;
    this.#tools = tools;
    const isInvite = request.method === 'INVITE';
    this.#machine = new Machine({
      table: isInvite ? INVITE_SERVER : NON_INVITE_SERVER,
      initial: isInvite ? 'proceeding' : 'trying',
      clock: tools.clock,
      isReliable: isReliable(flow.protocol),
      terminated: () => {
        tools.terminated();
        this.#decided();
      },
      effects: {
        send: () => this.#send(),
        ack: () => {},
        deliver: () => this.#ack && this.onAck(this.#ack),
        'tell timeout': () => this.onFailed('timeout'),
        'tell failure': () => this.onFailed('transport'),
      },
    });
  }

  get state(): ServerState {
    return this.#machine.state;
  }

  /** The newest response given, if any. */
  get lastStatus(): number | undefined {
    return this.#newest?.response.status;
  }

  /** The To tag of the newest response; undefined when none had one. */
  get localTag(): string | undefined {
    return this.#newest && tagOf(this.#newest.response.to);
  }

  /** Whether a final response was given. */
  get isAnswered(): boolean {
    return (this.lastStatus ?? 0) >= 200;
  }

  /** Sends a response; ignored after a final one, but for a 2xx to INVITE, which may be sent again. */
  respond(response: SipResponse): void {
    const event = response.status < 200 ? 'respond 1xx' : response.status < 300 ? 'respond 2xx' : 'respond 3xx-6xx';
    const before = this.#newest;
    this.#newest = before?.response === response ? before : { response, bytes: serializeMessage(response) };
    if (!this.#machine.handle(event)) this.#newest = before;
    if (this.isAnswered) this.#decided();
  }

  /** A retransmission of the request, or an ACK that matched. */
  receive(request: SipRequest): void {
    if (request.method === 'ACK') this.#ack = request;
    this.#machine.handle(request.method === 'ACK' ? 'ack' : 'request');
  }

  terminate(): void {
    this.#machine.terminate();
  }

  #decided(): void {
    const tell = this.onDecided;
    this.onDecided = NOTHING;
    tell();
  }

  #send(): void {
    if (!this.#newest) return;
    const { response, bytes } = this.#newest;
    const sending = sendResponse(bytes, { via: response.vias[0], flow: this.flow }, this.#tools.open);
    sending.then(
      (wasSent) => wasSent || this.#machine.handle('transport error'),
      () => this.#machine.handle('transport error'),
    );
  }
}
