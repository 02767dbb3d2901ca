import { ALLOW, ALLOW_HEADER, SUPPORTED } from '../agent-core.ts';
import type { Header, SipRequest } from '../message/message.ts';
import { uriScheme } from '../message/sip-uri.ts';
import { accepts, contentTypeOf, tokensOf } from '../message/typed-headers.ts';

/** Why a request is refused before anybody looks at it: status and the headers that say more. */
export type Refusal = { readonly status: number; readonly headers: readonly Header[] };

const REPLIES_SDP = new Set(['INVITE', 'UPDATE']);

/**
 * The inspection of RFC 3261, 8.2.1 to 8.2.3, in its order: method, URI, hops, Require, body, and what may come back. `methods`
 * are those served, by default ours. NOTE: Max-Forwards 0 refuses all but OPTIONS, which the last hop answers itself (16.3); ACK
 * and CANCEL are never refused.
 */
export function screenRequest(request: SipRequest, methods: readonly string[] = ALLOW): Refusal | undefined {
  const { method } = request;
  if (method === 'ACK' || method === 'CANCEL') return undefined;
  if (!methods.includes(method)) return { status: 405, headers: [ALLOW_HEADER] };
  const scheme = uriScheme(request.uri);
  if (scheme !== 'sip' && scheme !== 'sips' && scheme !== 'tel') return plain(416);
  if (request.maxForwards === 0 && method !== 'OPTIONS') return plain(483);
  const unsupported = tokensOf(request, 'Require').filter((tag) => !SUPPORTED.includes(tag.toLowerCase()));
  if (unsupported.length > 0) return { status: 420, headers: [{ name: 'Unsupported', value: unsupported.join(', ') }] };
  if (!REPLIES_SDP.has(method)) return undefined;
  const type = contentTypeOf(request);
  if (request.body.length > 0 && type !== 'application/sdp') return { status: 415, headers: [ACCEPT_SDP] };
  return accepts(request, 'application/sdp') ? undefined : plain(406);
}

/** What bodies an INVITE may have. */
export const ACCEPT_SDP: Header = { name: 'Accept', value: 'application/sdp' };

function plain(status: number): Refusal {
  return { status, headers: [] };
}
