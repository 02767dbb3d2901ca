import { printHostPort } from '../message/grammar.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import { tagOf } from '../message/name-address.ts';
import { BRANCH_COOKIE } from '../message/via.ts';

/**
 * What a request is matched by (RFC 3261, 17.2.3): branch, sent-by and method, where ACK counts as INVITE. A branch of before
 * RFC 3261, or the bare cookie of RFC 4475 3.2.1, falls back to Request-URI, From tag, Call-ID, CSeq number and sent-by.
 * NOTE: the fallback leaves the To tag out, since an ACK's is the response's and not the INVITE's.
 */
export function serverKey(request: SipRequest, method = request.method): string {
  const [top] = request.vias;
  const branch = top.params.get('branch') ?? '';
  const sentBy = printHostPort(top).toLowerCase();
  const matched = method === 'ACK' ? 'INVITE' : method;
  if (branch.startsWith(BRANCH_COOKIE) && branch.length > BRANCH_COOKIE.length) return `${branch} ${sentBy} ${matched}`;
  return [
    '2543',
    request.uri,
    tagOf(request.from) ?? '',
    request.callId,
    request.cseq.number,
    sentBy,
    branch,
    matched,
  ].join(' ');
}

/** What a response is matched by (17.1.3): our own branch and the method in CSeq. */
export function clientKey(message: SipMessage): string {
  return `${message.vias[0].params.get('branch') ?? ''} ${message.cseq.method}`;
}

/** What a request that came twice by different paths shares (8.2.2.2). */
export function mergeKey(request: SipRequest): string {
  return [tagOf(request.from) ?? '', request.callId, request.cseq.number, request.cseq.method].join(' ');
}
