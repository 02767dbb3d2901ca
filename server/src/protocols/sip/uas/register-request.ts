import type { Params } from '../message/grammar.ts';
import type { SipRequest } from '../message/message.ts';
import { parseSipUri, type SipUri } from '../message/sip-uri.ts';
import { contactsOf, secondsOf } from '../message/typed-headers.ts';

/** One binding a REGISTER asks for (RFC 3261, 10.3); 0 seconds removes it. */
export type Binding = { readonly uri: string; readonly seconds: number; readonly params: Params };

/** What a REGISTER wants: a list of bindings, all removed, or a look at what there is. */
export type RegisterRequest =
  | { readonly type: 'bind'; readonly aor: SipUri; readonly bindings: readonly Binding[] }
  | { readonly type: 'remove all'; readonly aor: SipUri }
  | { readonly type: 'query'; readonly aor: SipUri }
  | { readonly type: 'refused'; readonly status: number };

const DEFAULT_EXPIRES_SECONDS = 3600;

/** Reads a REGISTER as a registrar does (10.3, steps 5 to 7): `*` only with Expires 0 and alone; a To that is no SIP URI is 404. */
export function readRegister(request: SipRequest): RegisterRequest {
  const aor = parseSipUri(request.to.uri);
  if (!aor) return { type: 'refused', status: 404 };
  const contacts = contactsOf(request);
  const expires = secondsOf(request, 'Expires');
  if (contacts === '*') return expires === 0 ? { type: 'remove all', aor } : { type: 'refused', status: 400 };
  if (contacts.length === 0) return { type: 'query', aor };
  const bindings = contacts.map(({ uri, params }) => {
    const own = params.get('expires');
    const seconds =
      own !== null && own !== undefined && /^[0-9]{1,10}$/.test(own)
        ? Number(own)
        : (expires ?? DEFAULT_EXPIRES_SECONDS);
    return { uri, seconds, params };
  });
  return { type: 'bind', aor, bindings };
}
