import { type AgentCore, ALLOW_HEADER, contactFor, SUPPORTED_HEADER } from '../agent-core.ts';
import { allowedBy, Call } from '../call/call.ts';
import type { CallEnd, CallHandlers } from '../call/call-options.ts';
import type { OfferAnswer } from '../call/offer-answer.ts';
import { sdpOf } from '../call/offer-exchange.ts';
import { negotiateInterval } from '../call/session-timer.ts';
import { createServerDialog, type Dialog } from '../dialog/dialog.ts';
import { randomToken } from '../environment.ts';
import type { Header, SipRequest } from '../message/message.ts';
import { tagOf } from '../message/name-address.ts';
import { hasOption, tokensOf } from '../message/typed-headers.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { Flow } from '../transport/flow.ts';
import { ReliableProvisionals } from './reliable-provisional.ts';

const SDP: Header = { name: 'Content-Type', value: 'application/sdp' };
const MAX_RSEQ = 2 ** 31 - 1;

/** An INVITE that has no final answer yet (RFC 3261, 13.3). 100 Trying has gone out already. */
export class IncomingCall {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** The caller's session description; undefined when it wants ours first. */
  readonly offer: string | undefined;
  /** The caller gave up: 487 has been sent. */
  onCancelled: () => void = () => {};
  readonly #core: AgentCore;
  readonly #transaction: ServerTransaction;
  readonly #dialog: Dialog;
  readonly #provisionals: ReliableProvisionals;
  #media: OfferAnswer | undefined;
  #answer: string | undefined;
  #call: Call | undefined;

  constructor(core: AgentCore, transaction: ServerTransaction) {
    this.#core = core;
    this.#transaction = transaction;
    this.request = transaction.request;
    this.flow = transaction.flow;
    this.offer = sdpOf(transaction.request);
    this.#dialog = createServerDialog(this.request, randomToken(core.random), core.random.below(10_000) + 1);
    this.#provisionals = new ReliableProvisionals(transaction, {
      clock: core.clock,
      firstRseq: core.random.below(MAX_RSEQ - 1000) + 1,
      unconfirmed: () => this.reject(504),
    });
    core.dialogs.set(this.#dialog.key, {
      request: (inDialog) => this.#receive(inDialog),
      ack: () => {},
      close: () => {
        this.#provisionals.stop();
        this.#forget();
      },
    });
    transaction.onFailed = forgetting(core, this.#dialog.key);
  }

  /** The To tag of all our responses. */
  get localTag(): string {
    return tagOf(this.#dialog.local) ?? '';
  }

  /** Whether a final answer was given, or the caller gave up. */
  get isOver(): boolean {
    return this.#transaction.isAnswered;
  }

  /**
   * 180, or with `media` 183 and its answer: the caller hears what we send before the call is answered. Reliable (RFC 3262) where
   * the caller requires it, or knows it and a session description is in it.
   */
  ring(media?: OfferAnswer) {
    if (this.isOver || this.#call) return;
    const body = media && this.offer !== undefined ? this.#agree(media) : undefined;
    if (media && this.offer !== undefined && body === undefined) return this.reject(488);
    const headers = [...this.#headers(), ...(body === undefined ? [] : [SDP])];
    const parts = { headers, ...(body === undefined ? {} : { body: Buffer.from(body) }) };
    const response = this.#dialog.createResponse(this.request, body === undefined ? 180 : 183, parts);
    const isRequired = tokensOf(this.request, 'Require').includes('100rel');
    if (isRequired || (body !== undefined && hasOption(this.request, '100rel'))) this.#provisionals.send(response);
    else this.#transaction.respond(response);
  }

  /** 200. Undefined when the call is over already, or was refused: 488 without a common codec, 422 for a session timer too short. */
  accept(media: OfferAnswer, handlers: CallHandlers): Call | undefined {
    if (this.isOver || this.#call) return undefined;
    const negotiated = negotiateInterval(this.request);
    if (negotiated.type === 'too small') return this.#refuse(422, [{ name: 'Min-SE', value: '90' }]);
    const body = this.offer === undefined ? media.offer() : this.#agree(media);
    if (body === undefined) return this.#refuse(488);
    const headers = [...this.#headers(), SDP, ...(negotiated.type === 'on' ? negotiated.headers : [])];
    const response = this.#dialog.createResponse(this.request, 200, { headers, body: Buffer.from(body) });
    this.#call = new Call(this.#core, {
      dialog: this.#dialog,
      flow: this.flow,
      media,
      handlers: { ...handlers, ended: (why) => this.#callEnded(why, handlers) },
      isCaller: false,
      prack: (request, answer) => this.#provisionals.confirm(request, answer),
      peerAllows: allowedBy(this.request),
    });
    const interval = negotiated.type === 'on' ? negotiated.interval : undefined;
    const accepted = this.#call.answer(this.#transaction, response, {
      isOffer: this.offer === undefined,
      interval,
      isHeld: true,
    });
    this.#provisionals.whenConfirmed(() => accepted.send());
    return this.#call;
  }

  /** A failure, 300-699: 401 with its challenges, 486, 503 with Retry-After. */
  reject(status: number, headers: readonly Header[] = []): void {
    if (this.isOver) return;
    this.#provisionals.stop();
    this.#forget();
    this.#transaction.respond(this.#dialog.createResponse(this.request, status, { headers }));
    // An accepted call whose 200 still waits for a PRACK.
    this.#call?.close('peer hung up');
  }

  /** The caller's CANCEL (9.2): without effect once a final answer is out. */
  cancel(): void {
    if (this.isOver) return;
    this.reject(487);
    this.onCancelled();
  }

  /** Requests in the early dialog: PRACK, BYE, and what must wait. */
  #receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const respond = (status: number, headers: readonly Header[] = []) =>
      transaction.respond(this.#dialog.createResponse(request, status, { headers }));
    if (!this.#dialog.acceptSequence(request)) respond(500);
    else if (request.method === 'PRACK') this.#provisionals.confirm(request, respond);
    else if (request.method === 'BYE') {
      respond(200);
      this.cancel();
    } else if (request.method === 'INVITE' || request.method === 'UPDATE') {
      // 14.2: before the first is answered, a second offer has to wait 0-10 s.
      respond(500, [{ name: 'Retry-After', value: `${this.#core.random.below(11)}` }]);
    } else respond(request.method === 'OPTIONS' || request.method === 'INFO' ? 200 : 481);
  }

  /** The answer, made once: an early 183 and the 200 carry the same one. */
  #agree(media: OfferAnswer): string | undefined {
    if (this.#media !== media) this.#answer = media.answer(this.offer ?? '');
    this.#media = media;
    return this.#answer;
  }

  #refuse(status: number, headers: readonly Header[] = []): undefined {
    this.reject(status, headers);
  }

  #headers(): Header[] {
    return [{ name: 'Contact', value: contactFor(this.#core, this.flow) }, ALLOW_HEADER, SUPPORTED_HEADER];
  }

  /** A call that ended while its 200 still waited for a PRACK: the INVITE is answered 487 instead (15.1.2). */
  #callEnded(why: CallEnd, handlers: CallHandlers): void {
    this.#provisionals.stop();
    if (!this.isOver) {
      this.#transaction.respond(this.#dialog.createResponse(this.request, 487));
      this.#call?.close(why);
    }
    handlers.ended(why);
  }

  #forget(): void {
    this.#core.dialogs.delete(this.#dialog.key);
  }
}

/** Holds no call: the transaction, and so this, outlives it. */
function forgetting({ dialogs }: AgentCore, key: string): () => void {
  return () => void dialogs.delete(key);
}
