import { type AgentCore, bindToFlow, type ChallengeAnswerer, contactFor } from '../agent-core.ts';
import type { RequestDraft } from '../dialog/dialog.ts';
import { headerOf, type SipRequest, type SipResponse, withHeader } from '../message/message.ts';
import { serializeMessage } from '../message/serialize-message.ts';
import { parseSipUri } from '../message/sip-uri.ts';
import { secondsOf } from '../message/typed-headers.ts';
import type { ClientTransaction } from '../transaction/client-transaction.ts';
import type { Flow, Target } from '../transport/flow.ts';
import { locateServer } from './locate-server.ts';

/** Over this a request goes by TCP where the peer's URI leaves it open (RFC 3261, 18.1.1). */
const MAX_UDP_BYTES = 1300;
const MAX_CHALLENGES = 3;
const DEFAULT_AVOID_SECONDS = 30;
/** A server's Retry-After of days would outlive its fault. */
const MAX_AVOID_SECONDS = 300;
const NEEDS_CONTACT = new Set(['INVITE', 'UPDATE', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'OPTIONS']);

export type SendOptions = {
  /** A flow to use instead of looking the next hop up: the connection or NAT binding the peer came by. */
  readonly flow?: Flow;
  /** Answers 401 and 407; without it they are final. */
  readonly credentials?: ChallengeAnswerer;
  /** The user part of our Contact. */
  readonly contactUser?: string;
  readonly handlers: {
    /** Each response that counts, with the request as it was sent. A challenge that is being answered is not heard. */
    readonly response: (response: SipResponse, request: SipRequest, flow: Flow) => void;
    /** No target answered. */
    readonly failed: (why: 'timeout' | 'transport' | 'unresolved') => void;
  };
  /** The next CSeq for a request sent again after a challenge; default: one more than the last. */
  readonly nextSequence?: () => number;
};

/** A request on its way, perhaps to the second target or with its second answer to a challenge. */
export class SendingRequest {
  readonly #core: AgentCore;
  readonly #options: SendOptions;
  #draft: RequestDraft;
  #targets: Target[] = [];
  #transaction: ClientTransaction | undefined;
  #challenges = 0;
  #isAbandoned = false;

  constructor(core: AgentCore, draft: RequestDraft, options: SendOptions) {
    this.#core = core;
    this.#draft = draft;
    this.#options = options;
    if (options.flow?.isOpen) this.#sendOn(options.flow);
    else void this.#locate();
  }

  /** The transaction of the newest try, once there is one. */
  get transaction(): ClientTransaction | undefined {
    return this.#transaction;
  }

  /** Hears nothing more. What is on the wire stays there. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /** Goes to no further target; the one that says nothing is avoided for a while. False when nothing was sent yet. */
  tryNoOther(): boolean {
    this.#targets = [];
    if (!this.#transaction) return false;
    this.#avoid(this.#transaction.flow.remote);
    return true;
  }

  async #locate(): Promise<void> {
    const { resolver, random, transports, avoided, clock } = this.#core;
    const tools = { resolver, protocols: transports.protocols, below: (limit: number) => random.below(limit) };
    const located = await locateServer(this.#draft.nextHop, tools);
    const fresh = located.filter((target) => (avoided.get(targetKey(target)) ?? 0) <= clock.nowMs());
    // With every target in its Retry-After, trying is still better than not.
    this.#targets = (fresh.length > 0 ? fresh : located).flatMap((target) => this.#preferTcp(target));
    if (this.#targets.length === 0) this.#fail('unresolved');
    else await this.#tryNext('transport');
  }

  /** 18.1.1: a large request goes by TCP first, by UDP when that cannot be opened. */
  #preferTcp(target: Target): Target[] {
    const isAskedFor = parseSipUri(this.#draft.nextHop)?.params.has('transport') ?? false;
    const isOpenTo = target.protocol === 'UDP' && !isAskedFor && this.#core.transports.protocols.includes('TCP');
    const size = isOpenTo
      ? serializeMessage({ ...this.#draft, vias: [{ host: target.address, transport: 'UDP', params: new Map() }] })
          .length
      : 0;
    return size + 100 > MAX_UDP_BYTES ? [{ ...target, protocol: 'TCP' }, target] : [target];
  }

  async #tryNext(why: 'timeout' | 'transport'): Promise<void> {
    for (let target = this.#targets.shift(); target && !this.#isAbandoned; target = this.#targets.shift()) {
      try {
        const flow = await this.#core.transports.flowTo(target);
        if (!this.#isAbandoned) this.#sendOn(flow);
        return;
      } catch {
        // The next target is tried; with none left the failure is told below.
      }
    }
    this.#fail(why);
  }

  #sendOn(flow: Flow): void {
    const needsContact = NEEDS_CONTACT.has(this.#draft.method) && headerOf(this.#draft, 'Contact') === undefined;
    const contact = contactFor(this.#core, flow, this.#options.contactUser);
    const headers = needsContact ? withHeader(this.#draft.headers, 'Contact', contact) : this.#draft.headers;
    const request = bindToFlow(
      this.#core,
      { ...this.#draft, headers: withHeader(headers, 'User-Agent', this.#core.product) },
      flow,
    );
    this.#transaction = this.#core.transactions.request(request, flow, {
      response: (response) => this.#receive(response, request, flow),
      failed: (why) => {
        // Silent for 32 s: for a while others go first.
        if (why === 'timeout') this.#avoid(flow.remote);
        void this.#tryNext(why);
      },
    });
  }

  #receive(response: SipResponse, request: SipRequest, flow: Flow): void {
    if (this.#isAbandoned) return;
    if (response.status === 503 && this.#targets.length > 0) {
      this.#avoid(flow.remote, response);
      void this.#tryNext('transport');
    } else if ((response.status === 401 || response.status === 407) && this.#answer(response, request, flow)) return;
    else {
      if (response.status === 503) this.#avoid(flow.remote, response);
      this.#options.handlers.response(response, request, flow);
    }
  }

  /** 22.2: the same request once more, CSeq one higher, with the credentials asked for. */
  #answer(response: SipResponse, request: SipRequest, flow: Flow): boolean {
    if (++this.#challenges > MAX_CHALLENGES) return false;
    const answers = this.#options.credentials?.(response, request);
    if (!answers || answers.length === 0) return false;
    let headers = this.#draft.headers;
    for (const { name, value } of answers) headers = withHeader(headers, name, value);
    const number = this.#options.nextSequence?.() ?? this.#draft.cseq.number + 1;
    this.#draft = { ...this.#draft, headers, cseq: { ...this.#draft.cseq, number } };
    this.#sendOn(flow);
    return true;
  }

  #avoid(target: Target, response?: SipResponse): void {
    const { avoided, clock } = this.#core;
    for (const [key, untilMs] of avoided) if (untilMs <= clock.nowMs()) avoided.delete(key);
    const asked = response && secondsOf(response, 'Retry-After');
    const seconds = Math.min(asked ?? DEFAULT_AVOID_SECONDS, MAX_AVOID_SECONDS);
    avoided.set(targetKey(target), clock.nowMs() + seconds * 1000);
  }

  #fail(why: 'timeout' | 'transport' | 'unresolved'): void {
    if (!this.#isAbandoned) this.#options.handlers.failed(why);
  }
}

/** How a target is remembered in `avoided`. */
export function targetKey({ protocol, address, port }: Target): string {
  return `${protocol} ${address} ${port}`;
}
