import { type Header, headersOf, NO_BODY, type SipRequest, type SipResponse, withoutHeader } from './message.ts';
import { tagOf, withTag } from './name-address.ts';
import { reasonPhrase } from './reason-phrases.ts';

export type ResponseParts = {
  readonly reason?: string;
  readonly headers?: readonly Header[];
  readonly body?: Uint8Array;
  /** Put on To where the request had none; every response but 100 needs it (8.2.6.2). */
  readonly toTag?: string;
};

/** A response to a request (RFC 3261, 8.2.6): its Vias, From, Call-ID and CSeq as they came; Record-Route in 101-299 (12.1.1). */
export function createResponse(request: SipRequest, status: number, parts: ResponseParts = {}): SipResponse {
  const { vias, from, callId, cseq } = request;
  const needsTag = parts.toTag !== undefined && tagOf(request.to) === undefined;
  const recordRoutes = status > 100 && status < 300 ? headersOf(request, 'Record-Route') : [];
  return {
    type: 'response',
    status,
    reason: parts.reason ?? reasonPhrase(status),
    vias,
    from,
    to: needsTag ? withTag(request.to, parts.toTag ?? '') : request.to,
    callId,
    cseq,
    headers: [...recordRoutes.map((value) => ({ name: 'Record-Route', value })), ...(parts.headers ?? [])],
    body: parts.body ?? NO_BODY,
  };
}

/** The ACK of a failure response (17.1.1.3): the INVITE's branch, Request-URI and Route, the response's To. */
export function createFailureAck(invite: SipRequest, response: SipResponse): SipRequest {
  return { ...hopRequest(invite, 'ACK'), to: response.to };
}

/** The CANCEL of an INVITE (9.1): as the ACK, with the INVITE's own To. */
export function createCancel(invite: SipRequest, reason?: string): SipRequest {
  const cancel = hopRequest(invite, 'CANCEL');
  return reason === undefined ? cancel : { ...cancel, headers: [...cancel.headers, { name: 'Reason', value: reason }] };
}

/** A copy of `request` with its `name` headers dropped. */
export function dropHeader(request: SipRequest, name: string): SipRequest {
  return { ...request, headers: withoutHeader(request.headers, name) };
}

function hopRequest(invite: SipRequest, method: 'ACK' | 'CANCEL'): SipRequest {
  const routes = headersOf(invite, 'Route').map((value) => ({ name: 'Route', value }));
  return {
    ...invite,
    method,
    vias: [invite.vias[0]],
    cseq: { number: invite.cseq.number, method },
    headers: routes,
    body: NO_BODY,
  };
}
