import { createResponse } from '../message/create.ts';
import { DEFAULT_MAX_FORWARDS, type Header, NO_BODY, type SipRequest, type SipResponse } from '../message/message.ts';
import { type NameAddress, tagOf, withTag } from '../message/name-address.ts';
import { contactUri, routesOf } from '../message/typed-headers.ts';
import { applyRouteSet } from './route-set.ts';

/** A request before its way is known: the sender puts the Via on top. `nextHop` is the URI whose host gets it. */
export type RequestDraft = Omit<SipRequest, 'vias'> & { readonly nextHop: string };

/** What a dialog is found by (RFC 3261, 12): Call-ID and both tags, as we see them. A peer of before RFC 3261 has no tag. */
export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId} ${localTag} ${remoteTag}`;
}

/** The key of the dialog a request belongs to, or undefined when it is outside of any. */
export function dialogKeyOf(request: SipRequest): string | undefined {
  const localTag = tagOf(request.to);
  return localTag === undefined ? undefined : dialogKey(request.callId, localTag, tagOf(request.from) ?? '');
}

type DialogParts = {
  readonly callId: string;
  readonly local: NameAddress;
  readonly remote: NameAddress;
  readonly remoteTarget: string;
  readonly routeSet: readonly NameAddress[];
  readonly localSequence: number;
  readonly remoteSequence: number | undefined;
};

/** The dialog a server makes by answering (12.1.1): the route set is Record-Route in its order. */
export function createServerDialog(invite: SipRequest, localTag: string, firstSequence: number): Dialog {
  return new Dialog({
    callId: invite.callId,
    local: withTag(invite.to, localTag),
    remote: invite.from,
    remoteTarget: contactUri(invite) ?? invite.from.uri,
    routeSet: routesOf(invite, 'Record-Route') ?? [],
    localSequence: firstSequence,
    remoteSequence: invite.cseq.number,
  });
}

/** The dialog a client has by a response with a To tag (12.1.2): the route set is Record-Route reversed. */
export function createClientDialog(invite: SipRequest, response: SipResponse): Dialog {
  return new Dialog({
    callId: invite.callId,
    local: invite.from,
    remote: response.to,
    remoteTarget: contactUri(response) ?? invite.uri,
    routeSet: (routesOf(response, 'Record-Route') ?? []).reverse(),
    localSequence: invite.cseq.number,
    remoteSequence: undefined,
  });
}

/** The state of one dialog (12). The route set is frozen when it is made; the remote target moves by `refreshTarget`. */
export class Dialog {
  readonly callId: string;
  readonly local: NameAddress;
  readonly remote: NameAddress;
  readonly routeSet: readonly NameAddress[];
  #remoteTarget: string;
  #localSequence: number;
  #remoteSequence: number | undefined;

  constructor(parts: DialogParts) {
    this.callId = parts.callId;
    this.local = parts.local;
    this.remote = parts.remote;
    this.routeSet = parts.routeSet;
    this.#remoteTarget = parts.remoteTarget;
    this.#localSequence = parts.localSequence;
    this.#remoteSequence = parts.remoteSequence;
  }

  get key(): string {
    return dialogKey(this.callId, tagOf(this.local) ?? '', tagOf(this.remote) ?? '');
  }

  /** The peer's Contact: where its requests go. */
  get remoteTarget(): string {
    return this.#remoteTarget;
  }

  /** The next request of ours (12.2.1.1): CSeq one higher. */
  createRequest(
    method: string,
    parts: { readonly headers?: readonly Header[]; readonly body?: Uint8Array } = {},
  ): RequestDraft {
    return this.#draft(method, this.takeSequence(), parts);
  }

  /** The next CSeq number of ours; for a request sent again after a challenge. */
  takeSequence(): number {
    this.#localSequence++;
    return this.#localSequence;
  }

  /** The ACK of a 2xx (13.2.2.4): the INVITE's CSeq number, the dialog's route. */
  createAck(
    inviteSequence: number,
    parts: { readonly headers?: readonly Header[]; readonly body?: Uint8Array } = {},
  ): RequestDraft {
    return this.#draft('ACK', inviteSequence, parts);
  }

  /**
   * Takes a request of the peer (12.2.2): false when its CSeq is lower than one already seen, which is answered 500. ACK and
   * CANCEL repeat their INVITE's number.
   */
  acceptSequence({ method, cseq }: SipRequest): boolean {
    if (method === 'ACK' || method === 'CANCEL') return true;
    if (this.#remoteSequence !== undefined && cseq.number <= this.#remoteSequence) return false;
    this.#remoteSequence = cseq.number;
    return true;
  }

  /** A target refresh (12.2): only INVITE and UPDATE, their requests and 2xx answers, move the target. */
  refreshTarget(message: SipRequest | SipResponse): void {
    const { method } = message.cseq;
    if (method === 'INVITE' || method === 'UPDATE') this.#remoteTarget = contactUri(message) ?? this.#remoteTarget;
  }

  /** A response inside the dialog. */
  createResponse(
    request: SipRequest,
    status: number,
    parts: { headers?: readonly Header[]; body?: Uint8Array; reason?: string } = {},
  ): SipResponse {
    return createResponse(request, status, { ...parts, toTag: tagOf(this.local) ?? '' });
  }

  #draft(
    method: string,
    number: number,
    parts: { readonly headers?: readonly Header[]; readonly body?: Uint8Array },
  ): RequestDraft {
    const { uri, routes, nextHop } = applyRouteSet(this.#remoteTarget, this.routeSet);
    return {
      type: 'request',
      method,
      uri,
      maxForwards: DEFAULT_MAX_FORWARDS,
      from: this.local,
      to: this.remote,
      callId: this.callId,
      cseq: { number, method },
      headers: [...routes, ...(parts.headers ?? [])],
      body: parts.body ?? NO_BODY,
      nextHop,
    };
  }
}
