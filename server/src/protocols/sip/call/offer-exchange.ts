import { type AgentCore, ALLOW_HEADER, contactFor, SUPPORTED_HEADER } from '../agent-core.ts';
import type { Timer } from '../environment.ts';
import { bodyText, type Header, type SipRequest, type SipResponse } from '../message/message.ts';
import { contentTypeOf } from '../message/typed-headers.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { Flow } from '../transport/flow.ts';
import type { AcceptedResponse } from './accepted-response.ts';
import type { CallEnd, CallOptions } from './call-options.ts';
import type { CallPeer, DialogRequestParts } from './call-peer.ts';
import {
  agreedInterval,
  MIN_SE_SECONDS,
  negotiateInterval,
  refreshHeaders,
  type SessionInterval,
  type SessionTimer,
} from './session-timer.ts';

/** The type of a session description's body. */
export const SDP: Header = { name: 'Content-Type', value: 'application/sdp' };

/** What goes with a 200: whether it holds our offer, the session's life, whether it waits to be sent. */
export type AnswerTerms = {
  readonly isOffer: boolean;
  readonly interval?: SessionInterval | undefined;
  readonly isHeld?: boolean;
};

/** The call an exchange belongs to. */
export interface ExchangeHost {
  readonly core: AgentCore;
  readonly options: CallOptions;
  readonly peer: CallPeer;
  readonly timer: SessionTimer;
  readonly isEstablished: () => boolean;
  /** A 200 of ours has no ACK yet. */
  readonly isAckDue: () => boolean;
  readonly answer: (transaction: ServerTransaction, response: SipResponse, terms: AnswerTerms) => AcceptedResponse;
  readonly confirm: (response: SipResponse) => void;
  readonly request: (method: string, parts: DialogRequestParts, heard: (response: SipResponse) => void) => void;
  readonly close: (why: CallEnd) => void;
}

/**
 * Offers inside a call, both ways (RFC 3261, 14; RFC 3311; RFC 4028, 7.4): one at a time.
 *
 *     stable -- re-INVITE of ours --> open -- 200: ACK / refusal: rollback --> stable
 *       |                              ^ any offer of theirs: 491
 *       +-- re-INVITE without SDP: 200 with our offer --> open -- ACK with the answer --> stable
 *       +-- re-INVITE or UPDATE with an offer: answered at once --> stable
 */
export class OfferExchange {
  /** An offer of ours has no answer yet. */
  isOpen = false;
  readonly #host: ExchangeHost;
  #mustReoffer = false;
  #glareTimer: Timer | undefined;

  constructor(host: ExchangeHost) {
    this.#host = host;
  }

  /** Sends a new offer, now or once the exchange under way is over. */
  reoffer(): void {
    if (this.isOpen || !this.#host.isEstablished()) this.#mustReoffer = true;
    else this.#invite();
  }

  stop(): void {
    this.#glareTimer?.cancel();
  }

  /** Our 200 was acknowledged: false when the ACK lacks the answer to its offer, or that cannot be used (13.2.2.4). */
  acknowledged(ack: SipRequest, wasOffer: boolean): boolean {
    this.isOpen = false;
    if (!wasOffer) return true;
    const answer = sdpOf(ack);
    if (answer === undefined || !this.#host.options.media.accept(answer)) return false;
    this.#host.options.handlers.mediaChanged?.();
    return true;
  }

  /** 14.2: a second offer is refused while one is open: 491 when it is ours, 500 when it is theirs. */
  receiveInvite(transaction: ServerTransaction) {
    if (this.isOpen) return this.#respond(transaction, 491);
    if (this.#host.isAckDue()) return this.#respond(transaction, 500, [this.#retrySoon()]);
    const negotiated = negotiateInterval(transaction.request);
    if (negotiated.type === 'too small') return this.#respond(transaction, 422, [minSe()]);
    const offer = sdpOf(transaction.request);
    const body = offer === undefined ? this.#host.options.media.offer() : this.#host.options.media.answer(offer);
    if (body === undefined) return this.#respond(transaction, 488);
    this.#host.peer.dialog.refreshTarget(transaction.request);
    const headers = [
      ...this.#answerHeaders(transaction.flow),
      SDP,
      ...(negotiated.type === 'on' ? negotiated.headers : []),
    ];
    const response = this.#host.peer.dialog.createResponse(transaction.request, 200, {
      headers,
      body: Buffer.from(body),
    });
    const interval = negotiated.type === 'on' ? negotiated.interval : undefined;
    this.#host.answer(transaction, response, { isOffer: offer === undefined, interval });
    if (offer !== undefined) this.#host.options.handlers.mediaChanged?.();
  }

  /** RFC 3311, 5.2. */
  receiveUpdate(transaction: ServerTransaction) {
    const offer = sdpOf(transaction.request);
    if (offer !== undefined && this.isOpen) return this.#respond(transaction, 491);
    const negotiated = negotiateInterval(transaction.request);
    if (negotiated.type === 'too small') return this.#respond(transaction, 422, [minSe()]);
    const answer = offer === undefined ? '' : this.#host.options.media.answer(offer);
    if (answer === undefined) return this.#respond(transaction, 488);
    this.#host.peer.dialog.refreshTarget(transaction.request);
    const headers = [...this.#answerHeaders(transaction.flow), ...(negotiated.type === 'on' ? negotiated.headers : [])];
    if (answer !== '') headers.push(SDP);
    transaction.respond(
      this.#host.peer.dialog.createResponse(transaction.request, 200, { headers, body: Buffer.from(answer) }),
    );
    this.#host.timer.restart(negotiated.type === 'on' ? negotiated.interval : undefined);
    if (answer !== '') this.#host.options.handlers.mediaChanged?.();
  }

  /** RFC 4028, 7.4: UPDATE where the peer knows it, else a re-INVITE with the same session. */
  refresh() {
    if (this.isOpen || !this.#host.isEstablished()) return;
    if (!this.#host.options.peerAllows.includes('UPDATE')) return this.#invite();
    const headers = [SUPPORTED_HEADER, ...refreshHeaders(this.#host.timer.interval)];
    this.#host.request('UPDATE', { headers }, (response) => {
      if (response.status < 300) this.#host.timer.restart(agreedInterval(response));
    });
  }

  #invite(): void {
    this.isOpen = true;
    this.#mustReoffer = false;
    const headers = [SDP, ALLOW_HEADER, SUPPORTED_HEADER, ...refreshHeaders(this.#host.timer.interval)];
    this.#host.request('INVITE', { headers, body: Buffer.from(this.#host.options.media.offer()) }, (response) => {
      if (response.status >= 300) return this.#offerRefused(response);
      this.#host.confirm(response);
      if (!this.isOpen) return;
      this.isOpen = false;
      const answer = sdpOf(response);
      if (answer === undefined || !this.#host.options.media.accept(answer)) return this.#host.close('media refused');
      this.#host.options.handlers.mediaChanged?.();
      this.reofferIfDue();
    });
  }

  /** 14.1: after a 491 the owner of the Call-ID waits 2.1-4 s, the other side 0-2 s, in steps of 10 ms. */
  #offerRefused(response: SipResponse): void {
    this.isOpen = false;
    this.#host.options.media.rollback();
    if (response.status !== 491) return;
    const waitMs = this.#host.options.isCaller
      ? 2100 + 10 * this.#host.core.random.below(191)
      : 10 * this.#host.core.random.below(201);
    this.#glareTimer = this.#host.core.clock.after(waitMs, () => {
      if (!this.#host.isEstablished() || this.isOpen) return;
      this.#invite();
    });
  }

  reofferIfDue(): void {
    if (this.#mustReoffer) this.reoffer();
  }

  #respond(transaction: ServerTransaction, status: number, headers: readonly Header[] = []): void {
    transaction.respond(this.#host.peer.dialog.createResponse(transaction.request, status, { headers }));
  }

  #answerHeaders(flow: Flow): Header[] {
    return [{ name: 'Contact', value: contactFor(this.#host.core, flow) }, ALLOW_HEADER, SUPPORTED_HEADER];
  }

  /** 14.2: 0-10 s. */
  #retrySoon(): Header {
    return { name: 'Retry-After', value: `${this.#host.core.random.below(11)}` };
  }
}

/** The SDP of a message, or undefined when it has none. */
export function sdpOf(message: SipRequest | SipResponse): string | undefined {
  return message.body.length > 0 && contentTypeOf(message) === 'application/sdp' ? bodyText(message) : undefined;
}

function minSe(): Header {
  return { name: 'Min-SE', value: `${MIN_SE_SECONDS}` };
}
