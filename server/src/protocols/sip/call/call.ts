import { type AgentCore, ALLOW_HEADER, type ChallengeAnswerer, contactFor, SUPPORTED_HEADER } from '../agent-core.ts';
import type { Dialog } from '../dialog/dialog.ts';
import type { Timer } from '../environment.ts';
import { bodyText, type Header, headerOf, type SipRequest, type SipResponse } from '../message/message.ts';
import { contentTypeOf, referToOf, tokensOf } from '../message/typed-headers.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { Flow } from '../transport/flow.ts';
import { AcceptedResponse } from './accepted-response.ts';
import { CallPeer, type DialogRequestParts } from './call-peer.ts';
import { parseInfoDigit, printInfoDigit } from './info-dtmf.ts';
import type { OfferAnswer } from './offer-answer.ts';
import {
  agreedInterval,
  MIN_SE_SECONDS,
  negotiateInterval,
  refreshHeaders,
  type SessionInterval,
  SessionTimer,
} from './session-timer.ts';
import { parseTransferNotify, printTransferNotify, type TransferProgress } from './sipfrag.ts';

export type CallEnd = 'hung up' | 'peer hung up' | 'no ack' | 'expired' | 'media refused' | 'lost';

/** What the user of a call hears; all optional but `ended`, which comes exactly once and last. */
export type CallHandlers = {
  readonly ended: (why: CallEnd) => void;
  /** The ACK of our 200 came, or we sent ours. */
  readonly established?: () => void;
  /** An offer and its answer have met: addresses, codecs or direction may have changed. */
  readonly mediaChanged?: () => void;
  readonly digit?: (digit: string, durationMs: number) => void;
  readonly transferProgress?: (progress: TransferProgress) => void;
  /** The peer asks us to call somebody else (REFER): true answers 202, else 603. */
  readonly transferRequested?: (referTo: string) => boolean;
};

export type CallOptions = {
  readonly dialog: Dialog;
  readonly flow: Flow;
  readonly media: OfferAnswer;
  readonly handlers: CallHandlers;
  readonly credentials?: ChallengeAnswerer | undefined;
  /** Whether we sent the first INVITE: decides who waits longer after a 491 (14.1). */
  readonly isCaller: boolean;
  /** Takes a PRACK of a provisional response that our 200 waits for; false when it names none. */
  readonly prack?: (request: SipRequest) => boolean;
  /** The methods of the peer's Allow header. */
  readonly peerAllows: readonly string[];
};

type State = 'confirming' | 'established' | 'closing' | 'ended';
const SDP: Header = { name: 'Content-Type', value: 'application/sdp' };

/** A call that was answered (RFC 3261, 12 to 15): what both directions have in common from the 200 on. */
export class Call {
  readonly peer: CallPeer;
  readonly #core: AgentCore;
  readonly #options: CallOptions;
  readonly #timer: SessionTimer;
  #state: State = 'confirming';
  #accepted: AcceptedResponse | undefined;
  #isOfferOpen = false;
  #mustReoffer = false;
  #glareTimer: Timer | undefined;
  #isToldEnded = false;
  #resendAck: { readonly sequence: number; readonly send: () => void } | undefined;

  constructor(core: AgentCore, options: CallOptions) {
    this.#core = core;
    this.#options = options;
    this.peer = new CallPeer(core, options.dialog, { flow: options.flow, credentials: options.credentials });
    this.#timer = new SessionTimer(core.clock, {
      refresh: () => this.#refresh(),
      expire: () => this.#close('expired'),
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
    if (this.#state === 'closing' || this.#state === 'ended') return;
    if (this.#isOfferOpen || this.#state === 'confirming') this.#mustReoffer = true;
    else this.#invite(this.#options.media.offer(), true);
  }

  /** Asks the peer to call `target` instead of us (RFC 3515); progress comes by `transferProgress`. */
  transfer(target: string, headers: readonly Header[] = []): void {
    this.#request('REFER', { headers: [{ name: 'Refer-To', value: `<${target}>` }, ...headers] }, (response) => {
      if (response.status >= 300) this.#options.handlers.transferProgress?.({ status: response.status, isFinal: true });
    });
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
  answer(
    transaction: ServerTransaction,
    response: SipResponse,
    options: { isOffer: boolean; interval?: SessionInterval | undefined; isHeld?: boolean },
  ): AcceptedResponse {
    const accepted = new AcceptedResponse(transaction, response, {
      clock: this.#core.clock,
      handlers: {
        acknowledged: (ack) => this.#acknowledged(ack, options.isOffer),
        unacknowledged: () => this.#unacknowledged(),
      },
    });
    this.#accepted?.stop();
    this.#accepted = accepted;
    this.#isOfferOpen = options.isOffer;
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
    INVITE: (transaction) => this.#receiveInvite(transaction),
    UPDATE: (transaction) => this.#receiveUpdate(transaction),
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
    PRACK: (transaction) => this.#respond(transaction, this.#options.prack?.(transaction.request) ? 200 : 481),
  };

  /** 14.2: a second offer is refused while one is open: 491 when it is ours, 500 when it is theirs. */
  #receiveInvite(transaction: ServerTransaction) {
    if (this.#isOfferOpen) return this.#respond(transaction, 491);
    if (this.#accepted && !this.#accepted.isDone) return this.#respond(transaction, 500, [this.#retrySoon()]);
    const negotiated = negotiateInterval(transaction.request);
    if (negotiated.type === 'too small') return this.#respond(transaction, 422, [minSe()]);
    const offer = sdpOf(transaction.request);
    const body = offer === undefined ? this.#options.media.offer() : this.#options.media.answer(offer);
    if (body === undefined) return this.#respond(transaction, 488);
    this.peer.dialog.refreshTarget(transaction.request);
    const headers = [
      ...this.#answerHeaders(transaction.flow),
      SDP,
      ...(negotiated.type === 'on' ? negotiated.headers : []),
    ];
    const response = this.peer.dialog.createResponse(transaction.request, 200, { headers, body: Buffer.from(body) });
    const interval = negotiated.type === 'on' ? negotiated.interval : undefined;
    this.answer(transaction, response, { isOffer: offer === undefined, interval });
    if (offer !== undefined) this.#options.handlers.mediaChanged?.();
  }

  /** RFC 3311, 5.2. */
  #receiveUpdate(transaction: ServerTransaction) {
    const offer = sdpOf(transaction.request);
    if (offer !== undefined && this.#isOfferOpen) return this.#respond(transaction, 491);
    const negotiated = negotiateInterval(transaction.request);
    if (negotiated.type === 'too small') return this.#respond(transaction, 422, [minSe()]);
    const answer = offer === undefined ? '' : this.#options.media.answer(offer);
    if (answer === undefined) return this.#respond(transaction, 488);
    this.peer.dialog.refreshTarget(transaction.request);
    const headers = [...this.#answerHeaders(transaction.flow), ...(negotiated.type === 'on' ? negotiated.headers : [])];
    if (answer !== '') headers.push(SDP);
    transaction.respond(
      this.peer.dialog.createResponse(transaction.request, 200, { headers, body: Buffer.from(answer) }),
    );
    this.#timer.restart(negotiated.type === 'on' ? negotiated.interval : undefined);
    if (answer !== '') this.#options.handlers.mediaChanged?.();
  }

  #receiveAck(ack: SipRequest): void {
    if (this.#accepted?.sequence === ack.cseq.number) this.#accepted.acknowledge(ack);
  }

  #acknowledged(ack: SipRequest, wasOffer: boolean) {
    if (this.#state === 'closing') return this.#sendBye();
    this.#isOfferOpen = false;
    if (wasOffer) {
      // 13.2.2.4: the answer to an offer in the 200 must stand in the ACK.
      const answer = sdpOf(ack);
      const isUsable = answer !== undefined && this.#options.media.accept(answer);
      if (!isUsable) {
        this.#state = 'established';
        return this.#close('media refused');
      }
      this.#options.handlers.mediaChanged?.();
    }
    const isFirst = this.#state === 'confirming';
    this.#state = 'established';
    if (isFirst) this.#options.handlers.established?.();
    this.#reofferIfDue();
  }

  #unacknowledged() {
    this.#state = 'closing';
    this.#timer.stop();
    this.#sendBye();
    this.#tellEnded('no ack');
  }

  /** RFC 4028, 7.4: UPDATE where the peer knows it, else a re-INVITE with the same session. */
  #refresh() {
    if (this.#isOfferOpen || this.#state !== 'established') return;
    if (!this.#options.peerAllows.includes('UPDATE')) return this.#invite(this.#options.media.offer(), false);
    const headers = [SUPPORTED_HEADER, ...refreshHeaders(this.#timer.interval)];
    this.#request('UPDATE', { headers }, (response) => {
      if (response.status < 300) this.#timer.restart(agreedInterval(response));
    });
  }

  #invite(offer: string, isNew: boolean): void {
    this.#isOfferOpen = true;
    this.#mustReoffer = false;
    const headers = [SDP, ALLOW_HEADER, SUPPORTED_HEADER, ...refreshHeaders(this.#timer.interval)];
    this.#request('INVITE', { headers, body: Buffer.from(offer) }, (response) => {
      if (response.status >= 300) return this.#offerRefused(response, isNew);
      this.confirm(response);
      if (!this.#isOfferOpen) return;
      this.#isOfferOpen = false;
      const answer = sdpOf(response);
      if (answer === undefined || !this.#options.media.accept(answer)) return this.#close('media refused');
      this.#options.handlers.mediaChanged?.();
      this.#reofferIfDue();
    });
  }

  /** 14.1: after a 491 the owner of the Call-ID waits 2.1-4 s, the other side 0-2 s, in steps of 10 ms. */
  #offerRefused(response: SipResponse, isNew: boolean): void {
    this.#isOfferOpen = false;
    this.#options.media.rollback();
    if (response.status !== 491) return;
    const waitMs = this.#options.isCaller
      ? 2100 + 10 * this.#core.random.below(191)
      : 10 * this.#core.random.below(201);
    this.#glareTimer = this.#core.clock.after(waitMs, () => {
      if (this.#state !== 'established' || this.#isOfferOpen) return;
      this.#invite(this.#options.media.offer(), isNew);
    });
  }

  #reofferIfDue(): void {
    if (this.#mustReoffer && this.#state === 'established') this.reoffer();
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
    const waitsForAck = this.#accepted !== undefined && !this.#accepted.isDone;
    this.#state = 'closing';
    this.#timer.stop();
    if (!waitsForAck) this.#sendBye();
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
    this.#glareTimer?.cancel();
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

  #answerHeaders(flow: Flow): Header[] {
    return [{ name: 'Contact', value: contactFor(this.#core, flow) }, ALLOW_HEADER, SUPPORTED_HEADER];
  }

  /** 14.2: 0-10 s. */
  #retrySoon(): Header {
    return { name: 'Retry-After', value: `${this.#core.random.below(11)}` };
  }
}

/** The SDP of a message, or undefined when it has none. */
export function sdpOf(message: SipRequest | SipResponse): string | undefined {
  return message.body.length > 0 && contentTypeOf(message) === 'application/sdp' ? bodyText(message) : undefined;
}

function minSe(): Header {
  return { name: 'Min-SE', value: `${MIN_SE_SECONDS}` };
}

/** The methods a peer takes; without Allow none is assumed beyond the basic ones (20.5). */
export function allowedBy(message: SipRequest | SipResponse): string[] {
  return headerOf(message, 'Allow') === undefined ? [] : tokensOf(message, 'Allow');
}
