import { type AgentCore, ALLOW_HEADER, type ChallengeAnswerer, SUPPORTED_HEADER } from '../agent-core.ts';
import { allowedBy, Call } from '../call/call.ts';
import type { CallHandlers } from '../call/call-options.ts';
import { CallPeer } from '../call/call-peer.ts';
import type { OfferAnswer } from '../call/offer-answer.ts';
import { sdpOf } from '../call/offer-exchange.ts';
import { MIN_SE_SECONDS, offerHeaders, SESSION_SECONDS } from '../call/session-timer.ts';
import { createClientDialog, type Dialog, type RequestDraft } from '../dialog/dialog.ts';
import { randomToken, type Timer } from '../environment.ts';
import { createCancel } from '../message/create.ts';
import { DEFAULT_MAX_FORWARDS, type Header, type SipRequest, type SipResponse } from '../message/message.ts';
import { type NameAddress, tagOf, withTag } from '../message/name-address.ts';
import { parseSipUri, printSipUri } from '../message/sip-uri.ts';
import { rseqOf, secondsOf, tokensOf } from '../message/typed-headers.ts';
import { TIMEOUT_MS } from '../transaction/timers.ts';
import type { Flow } from '../transport/flow.ts';
import { SendingRequest } from './send-request.ts';

export type OutgoingCallOptions = {
  /** Who is called: the Request-URI and To. */
  readonly to: string;
  readonly from: NameAddress;
  /** Where the request goes, when not to the host of `to`: an outbound proxy's URI. */
  readonly proxy?: string;
  /** The flow to use instead of looking the peer up: the one a phone has registered by. */
  readonly flow?: Flow;
  readonly media: OfferAnswer;
  readonly credentials?: ChallengeAnswerer;
  readonly headers?: readonly Header[];
  readonly contactUser?: string;
  /** Without an answer in this time the call is cancelled. Default 60 s. */
  readonly ringTimeoutMs?: number;
  readonly handlers: OutgoingCallHandlers;
};

export type OutgoingCallHandlers = CallHandlers & {
  /** The first provisional response, a 100 too: somebody has the call. */
  readonly trying?: () => void;
  /** 180, 183 and the like. */
  readonly progress?: (status: number) => void;
  /** The peer sends before it answers (183 with SDP, or 180): `media` has taken its answer. */
  readonly earlyMedia?: () => void;
  readonly answered: (call: Call) => void;
  /** Not answered: the status, 408 when nobody spoke, 487 when we cancelled. Then no `ended` follows. */
  readonly refused: (status: number, response: SipResponse | undefined) => void;
};

const DEFAULT_RING_MS = 60_000;

type State = 'calling' | 'cancelling' | 'answered' | 'over';

/** A call of ours until it is answered (RFC 3261, 13.2). Redirections (3xx) are refusals like any other. */
export class OutgoingCall {
  readonly #core: AgentCore;
  readonly #options: OutgoingCallOptions;
  readonly #ringTimer: Timer;
  readonly #early = new Map<string, Dialog>();
  readonly #lateBranches = new Map<string, () => void>();
  /** The newest RSeq confirmed, by To tag (RFC 3262, 4). */
  readonly #confirmed = new Map<string, number>();
  #sending: SendingRequest;
  #state: State = 'calling';
  #hasProvisional = false;
  #cancelTimer: Timer | undefined;
  #call: Call | undefined;
  #callTag: string | undefined;
  #earlyAnswer: { readonly tag: string; readonly sdp: string } | undefined;
  #isRetriedFor422 = false;
  #draft: RequestDraft;

  constructor(core: AgentCore, options: OutgoingCallOptions) {
    this.#core = core;
    this.#options = options;
    this.#draft = this.#createInvite();
    this.#sending = this.#send();
    this.#ringTimer = core.clock.after(options.ringTimeoutMs ?? DEFAULT_RING_MS, () => this.cancel());
    core.ongoing.add(this);
  }

  get callId(): string {
    return this.#draft.callId;
  }

  /** Gives up. A CANCEL may only follow a provisional response (9.1): before one, it waits for it. */
  cancel(): void {
    if (this.#state !== 'calling') return;
    this.#state = 'cancelling';
    if (this.#hasProvisional) this.#sendCancel();
    else if (!this.#sending.tryNoOther()) this.close();
  }

  /** Forgets the call while it is being placed: the stack is closing. */
  close(): void {
    this.#sending.abandon();
    this.#refuse(487, undefined);
  }

  #createInvite(): RequestDraft {
    const { to, from, media, headers = [], proxy } = this.#options;
    const { random } = this.#core;
    return {
      type: 'request',
      method: 'INVITE',
      uri: to,
      maxForwards: DEFAULT_MAX_FORWARDS,
      from: withTag(from, randomToken(random)),
      to: { uri: whoOf(to), params: new Map() },
      callId: randomToken(random),
      cseq: { number: random.below(10_000) + 1, method: 'INVITE' },
      headers: [
        { name: 'Content-Type', value: 'application/sdp' },
        ALLOW_HEADER,
        SUPPORTED_HEADER,
        ...offerHeaders(),
        ...headers,
      ],
      body: Buffer.from(media.offer()),
      nextHop: proxy ?? to,
    };
  }

  #send(): SendingRequest {
    const { credentials, contactUser, flow } = this.#options;
    return new SendingRequest(this.#core, this.#draft, {
      ...(flow ? { flow } : {}),
      ...(credentials ? { credentials } : {}),
      ...(contactUser === undefined ? {} : { contactUser }),
      handlers: {
        response: (response, request, flow) => this.#receive(response, request, flow),
        failed: () => this.#refuse(this.#state === 'cancelling' ? 487 : 408, undefined),
      },
    });
  }

  #receive(response: SipResponse, request: SipRequest, flow: Flow): void {
    if (response.status < 200) this.#receiveProvisional(response, request, flow);
    else if (response.status < 300) this.#receiveSuccess(response, request, flow);
    else if (response.status === 422 && !this.#isRetriedFor422) this.#retryLonger(response, request);
    else this.#refuse(response.status, response);
  }

  #receiveProvisional(response: SipResponse, request: SipRequest, flow: Flow) {
    const isFirst = !this.#hasProvisional;
    this.#hasProvisional = true;
    if (this.#state === 'cancelling' && isFirst) return this.#sendCancel();
    if (this.#state !== 'calling') return;
    if (isFirst) this.#options.handlers.trying?.();
    const tag = tagOf(response.to);
    if (tag !== undefined && !this.#early.has(tag)) this.#early.set(tag, createClientDialog(request, response));
    if (!this.#confirmReliable(response, request, flow)) return;
    if (response.status > 100) this.#options.handlers.progress?.(response.status);
    const sdp = sdpOf(response);
    // The first branch with media is heard; another's early media does not replace it (forking, 13.2.2.4).
    if (sdp === undefined || tag === undefined || this.#earlyAnswer) return;
    if (!this.#options.media.accept(sdp)) return;
    this.#earlyAnswer = { tag, sdp };
    this.#options.handlers.earlyMedia?.();
  }

  /** RFC 3262, 4: a PRACK in the early dialog. False for a repetition, which is not heard again. */
  #confirmReliable(response: SipResponse, request: SipRequest, flow: Flow): boolean {
    const rseq = rseqOf(response);
    const tag = tagOf(response.to) ?? '';
    const dialog = this.#early.get(tag);
    if (rseq === undefined || !dialog || !tokensOf(response, 'Require').includes('100rel')) return true;
    if (rseq <= (this.#confirmed.get(tag) ?? 0)) return false;
    this.#confirmed.set(tag, rseq);
    const rack = { name: 'RAck', value: `${rseq} ${request.cseq.number} INVITE` };
    const peer = new CallPeer(this.#core, dialog, { flow, credentials: this.#options.credentials });
    peer.send('PRACK', { headers: [rack] }, { response: () => {}, failed: () => {} });
    return true;
  }

  /** 13.2.2.4: each 2xx is acknowledged every time; the first branch is the call, all others are ended. */
  #receiveSuccess(response: SipResponse, request: SipRequest, flow: Flow) {
    const tag = tagOf(response.to) ?? '';
    if (this.#call && tag === this.#callTag) return this.#call.confirm(response);
    const known = this.#lateBranches.get(tag);
    if (known) return known();
    const dialog = this.#early.get(tag) ?? createClientDialog(request, response);
    dialog.refreshTarget(response);
    if (this.#state === 'calling') this.#answered(response, dialog, flow);
    else this.#endBranch(tag, response, dialog, flow);
  }

  #answered(response: SipResponse, dialog: Dialog, flow: Flow): void {
    const { media, handlers, credentials } = this.#options;
    this.#state = 'answered';
    this.#settle();
    this.#callTag = tagOf(response.to) ?? '';
    const options = { dialog, flow, media, handlers, credentials, isCaller: true, peerAllows: allowedBy(response) };
    this.#call = new Call(this.#core, options);
    const sdp = sdpOf(response);
    const isKnown = this.#earlyAnswer?.tag === this.#callTag && (sdp === undefined || sdp === this.#earlyAnswer.sdp);
    const isUsable = isKnown || (sdp !== undefined && media.accept(sdp));
    handlers.answered(this.#call);
    this.#call.confirm(response);
    if (isUsable) handlers.mediaChanged?.();
    else this.#call.refuseMedia();
  }

  /** A 200 that crossed our CANCEL, or of a second branch: ACK, then BYE. */
  #endBranch(tag: string, response: SipResponse, dialog: Dialog, flow: Flow): void {
    const peer = new CallPeer(this.#core, dialog, { flow, credentials: this.#options.credentials });
    this.#lateBranches.set(tag, peer.acknowledge(response.cseq.number));
    peer.send('BYE', {}, { response: () => {}, failed: () => {} });
    if (this.#state === 'cancelling') this.#refuse(487, undefined);
  }

  /** RFC 4028, 7.4: once more with the interval the peer asks for. */
  #retryLonger(response: SipResponse, request: SipRequest): void {
    this.#isRetriedFor422 = true;
    const minSeconds = Math.max(MIN_SE_SECONDS, secondsOf(response, 'Min-SE') ?? MIN_SE_SECONDS);
    const kept = this.#draft.headers.filter(({ name }) => name !== 'Session-Expires' && name !== 'Min-SE');
    const headers = [...kept, ...offerHeaders(SESSION_SECONDS, minSeconds)];
    this.#draft = { ...this.#draft, headers, cseq: { number: request.cseq.number + 1, method: 'INVITE' } };
    this.#sending.abandon();
    this.#sending = this.#send();
  }

  /** 9.1: 64*T1 after it, an INVITE that has no final answer is given up. */
  #sendCancel(): void {
    const invite = this.#sending.transaction;
    if (!invite) return;
    this.#core.transactions.request(createCancel(invite.request), invite.flow, {
      response: () => {},
      failed: () => {},
    });
    this.#cancelTimer = this.#core.clock.after(TIMEOUT_MS, () => {
      invite.terminate();
      this.#refuse(487, undefined);
    });
  }

  #refuse(status: number, response: SipResponse | undefined): void {
    if (this.#state === 'over' || this.#state === 'answered') return;
    this.#state = 'over';
    this.#settle();
    this.#options.handlers.refused(status, response);
  }

  #settle(): void {
    this.#ringTimer.cancel();
    this.#cancelTimer?.cancel();
    this.#core.ongoing.delete(this);
  }
}

/** What of a Request-URI stands in To: who it is, and not by which port or transport (RFC 3261, 19.1.1, table 1). */
function whoOf(text: string): string {
  const uri = parseSipUri(text);
  if (!uri) return text;
  const { scheme, user, host } = uri;
  return printSipUri({ scheme, ...(user === undefined ? {} : { user }), host, params: new Map() });
}
