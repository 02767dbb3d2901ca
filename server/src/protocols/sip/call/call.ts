import { type AgentCore, ALLOW_HEADER, SUPPORTED_HEADER } from '../agent-core.ts';
import { type Header, headerOf, type SipRequest, type SipResponse } from '../message/message.ts';
import { referToOf, tokensOf } from '../message/typed-headers.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { AcceptedResponse } from './accepted-response.ts';
import { replacingTarget } from './attended-transfer.ts';
import type { CallEnd, CallOptions } from './call-options.ts';
import { CallPeer, type DialogRequestParts } from './call-peer.ts';
import { parseInfoDigit, printInfoDigit } from './info-dtmf.ts';
import { type AnswerTerms, OfferExchange, SDP } from './offer-exchange.ts';
import { agreedInterval, SessionTimer } from './session-timer.ts';
import { parseTransferNotify, printTransferNotify } from './sipfrag.ts';

type State = 'confirming' | 'established' | 'closing' | 'ended';

/** A call that was answered (RFC 3261, 12 to 15): what both directions have in common from the 200 on. */
export class Call {
  readonly peer: CallPeer;
  readonly #core: AgentCore;
  readonly #options: CallOptions;
  readonly #timer: SessionTimer;
  readonly #exchange: OfferExchange;
  #state: State = 'confirming';
  #accepted: AcceptedResponse | undefined;
  #isToldEnded = false;
  #resendAck: { readonly sequence: number; readonly send: () => void } | undefined;

  constructor(core: AgentCore, options: CallOptions) {
    this.#core = core;
    this.#options = options;
    this.peer = new CallPeer(core, options.dialog, { flow: options.flow, credentials: options.credentials });
    this.#timer = new SessionTimer(core.clock, {
      refresh: () => this.#exchange.refresh(),
      expire: () => this.#close('expired'),
    });
    this.#exchange = new OfferExchange({
      core,
      options,
      peer: this.peer,
      timer: this.#timer,
      isEstablished: () => this.#state === 'established',
      isAckDue: () => this.#accepted !== undefined && !this.#accepted.isDone,
      answer: (transaction, response, terms) => this.answer(transaction, response, terms),
      confirm: (response) => this.confirm(response),
      request: (method, parts, heard) => this.#request(method, parts, heard),
      close: (why) => this.#close(why),
    });
    this.peer.register({
      request: (transaction) => this.receive(transaction),
      ack: (ack) => this.#receiveAck(ack),
      close: () => this.close('lost'),
    });
  }

  get state(): State {
    return this.#state;
  }

  /** Ends the call. A BYE may not pass our own 200 unacknowledged (15): then it follows the ACK or the time-out. */
  hangUp(): void {
    this.#close('hung up');
  }

  /** Ends at once, without a word to the peer: it gave up first, or the stack is closing. */
  close(why: CallEnd): void {
    this.#finish(why);
  }

  /** Ends a call whose answer cannot be used. */
  refuseMedia(): void {
    this.#close('media refused');
  }

  /** Sends a new offer (re-INVITE), now or once the exchange under way is over. */
  reoffer(): void {
    if (this.#state !== 'closing' && this.#state !== 'ended') this.#exchange.reoffer();
  }

  /** The methods of the peer's Allow header; none where it sent no such header. */
  get peerAllows(): readonly string[] {
    return this.#options.peerAllows;
  }

  /** Asks the peer to call `target` instead of us (RFC 3515); `answered` hears the status of the REFER, `transferProgress` the rest. */
  transfer(target: string, headers: readonly Header[] = [], answered?: (status: number) => void): void {
    this.#request('REFER', { headers: [{ name: 'Refer-To', value: `<${target}>` }, ...headers] }, (response) => {
      answered?.(response.status);
      if (response.status >= 300) this.#options.handlers.transferProgress?.({ status: response.status, isFinal: true });
    });
  }

  /** Asks the peer to call whoever `other` is with, and to take that call's place (RFC 5589, 7.3): attended transfer. */
  transferTo(other: Call): void {
    this.transfer(replacingTarget(other.peer.dialog));
  }

  /** Tells the peer how the transfer it asked for stands. */
  notifyTransfer(status: number): void {
    this.#request('NOTIFY', printTransferNotify(status), () => {});
  }

  /** Sends a digit by INFO. */
  sendDigit(digit: string, durationMs: number): void {
    const { contentType, body } = printInfoDigit(digit, durationMs);
    this.#request('INFO', { headers: [{ name: 'Content-Type', value: contentType }], body }, () => {});
  }

  /** Server side: sends the 200 of an INVITE and waits for its ACK. `isOffer` when the 200 holds our offer. */
  answer(transaction: ServerTransaction, response: SipResponse, options: AnswerTerms): AcceptedResponse {
    const accepted = new AcceptedResponse(transaction, response, {
      clock: this.#core.clock,
      handlers: {
        acknowledged: (ack) => this.#acknowledged(ack, options.isOffer),
        unacknowledged: () => this.#unacknowledged(),
      },
    });
    this.#accepted?.stop();
    this.#accepted = accepted;
    this.#exchange.isOpen = options.isOffer;
    this.#timer.restart(options.interval);
    if (!options.isHeld) accepted.send();
    return accepted;
  }

  /** Client side: takes the 2xx of an INVITE of ours and acknowledges it, each time it comes. */
  confirm(response: SipResponse, ackBody?: Uint8Array) {
    const { number } = response.cseq;
    if (this.#resendAck?.sequence === number) return this.#resendAck.send();
    this.peer.dialog.refreshTarget(response);
    const parts = ackBody ? { headers: [SDP], body: ackBody } : {};
    this.#resendAck = { sequence: number, send: this.peer.acknowledge(number, parts) };
    this.#timer.restart(agreedInterval(response));
    if (this.#state !== 'confirming') return;
    this.#state = 'established';
    this.#options.handlers.established?.();
  }

  /** A request of the peer inside the dialog. */
  receive(transaction: ServerTransaction) {
    const { request } = transaction;
    if (!this.peer.dialog.acceptSequence(request)) return this.#respond(transaction, 500);
    if (request.method !== 'BYE' && (this.#state === 'closing' || this.#state === 'ended'))
      return this.#respond(transaction, 481);
    this.peer.flow = transaction.flow;
    const serve = this.#methods[request.method];
    if (serve) serve(transaction);
    else this.#respond(transaction, 405, [ALLOW_HEADER]);
  }

  readonly #methods: Readonly<Record<string, (transaction: ServerTransaction) => void>> = {
    BYE: (transaction) => {
      this.#respond(transaction, 200);
      this.#finish('peer hung up');
    },
    INVITE: (transaction) => this.#exchange.receiveInvite(transaction),
    UPDATE: (transaction) => this.#exchange.receiveUpdate(transaction),
    INFO: (transaction) => {
      const found = parseInfoDigit(transaction.request);
      // A digit that cannot be read, or another package, is refused; an empty INFO is a keep-alive.
      this.#respond(transaction, found || transaction.request.body.length === 0 ? 200 : 415);
      if (found) this.#options.handlers.digit?.(found.digit, found.durationMs);
    },
    OPTIONS: (transaction) => this.#respond(transaction, 200, [ALLOW_HEADER, SUPPORTED_HEADER]),
    NOTIFY: (transaction) => {
      const progress = parseTransferNotify(transaction.request);
      this.#respond(transaction, progress ? 200 : 489);
      if (progress) this.#options.handlers.transferProgress?.(progress);
    },
    REFER: (transaction) => {
      const target = referToOf(transaction.request)?.uri;
      const isTaken = target !== undefined && (this.#options.handlers.transferRequested?.(target) ?? false);
      this.#respond(transaction, target === undefined ? 400 : isTaken ? 202 : 603);
      if (isTaken) this.notifyTransfer(100);
    },
    PRACK: (transaction) => {
      const answer = (status: number) => this.#respond(transaction, status);
      if (this.#options.prack) this.#options.prack(transaction.request, answer);
      else answer(481);
    },
  };

  #receiveAck(ack: SipRequest): void {
    if (this.#accepted?.sequence === ack.cseq.number) this.#accepted.acknowledge(ack);
  }

  #acknowledged(ack: SipRequest, wasOffer: boolean) {
    if (this.#state === 'closing') return this.#sendBye();
    const isFirst = this.#state === 'confirming';
    this.#state = 'established';
    if (!this.#exchange.acknowledged(ack, wasOffer)) return this.#close('media refused');
    if (isFirst) this.#options.handlers.established?.();
    this.#exchange.reofferIfDue();
  }

  #unacknowledged() {
    this.#state = 'closing';
    this.#timer.stop();
    this.#sendBye();
    this.#tellEnded('no ack');
  }

  /** 12.2.1.2: a 481, a 408 or no answer at all ends the dialog. */
  #request(method: string, parts: DialogRequestParts, heard: (response: SipResponse) => void): void {
    this.peer.send(method, parts, {
      response: (response) => {
        if (response.status < 200) return;
        heard(response);
        if (response.status === 481 || response.status === 408) this.#close('lost');
      },
      failed: () => this.#close('lost'),
    });
  }

  #close(why: CallEnd): void {
    if (this.#state === 'closing' || this.#state === 'ended') return;
    this.#state = 'closing';
    this.#timer.stop();
    if (!this.#accepted || this.#accepted.isDone) this.#sendBye();
    this.#tellEnded(why);
  }

  #sendBye(): void {
    const done = () => this.#finish('hung up');
    this.peer.send('BYE', {}, { response: ({ status }) => status >= 200 && done(), failed: done });
  }

  #finish(why: CallEnd): void {
    this.#state = 'ended';
    this.#timer.stop();
    this.#accepted?.stop();
    this.#exchange.stop();
    this.peer.unregister();
    this.#tellEnded(why);
  }

  #tellEnded(why: CallEnd): void {
    if (this.#isToldEnded) return;
    this.#isToldEnded = true;
    this.#options.handlers.ended(why);
  }

  #respond(transaction: ServerTransaction, status: number, headers: readonly Header[] = []): void {
    transaction.respond(this.peer.dialog.createResponse(transaction.request, status, { headers }));
  }
}

/** The methods a peer takes; without Allow none is assumed beyond the basic ones (20.5). */
export function allowedBy(message: SipRequest | SipResponse): string[] {
  return headerOf(message, 'Allow') === undefined ? [] : tokensOf(message, 'Allow');
}
