import { normaliseCaller } from '../../core/call/caller-number.ts';
import type { AssistantId } from '../../core/ids.ts';
import type { SipRequest } from '../../protocols/sip/message/message.ts';
import { parseSipUri, redactUri } from '../../protocols/sip/message/sip-uri.ts';
import { assertedCaller } from '../../protocols/sip/message/typed-headers.ts';
import type { SipCallAnnouncement } from './ports.ts';
import { CONTACT_USER } from './registrations.ts';

const KEPT = /^(user-agent|diversion|history-info|x-[a-z0-9-]+)$/;
/** Headers that carry keys by another way. */
const SECRET = /key|token|secret|password|auth/;
const MOST_HEADERS = 20;
const LONGEST_VALUE = 256;

/** What an INVITE says about its call, for whom it reaches; no password comes through. */
export function announcementOf(request: SipRequest, assistantId: AssistantId): SipCallAnnouncement {
  const headers: Record<string, string> = {};
  for (const { name, value } of request.headers) {
    const key = name.toLowerCase();
    if (!KEPT.test(key) || SECRET.test(key) || Object.keys(headers).length >= MOST_HEADERS) continue;
    headers[key] ??= redactUri(value).slice(0, LONGEST_VALUE);
  }
  return {
    assistantId,
    from: normaliseCaller(numberOf(assertedCaller(request).uri)),
    to: dialledNumber(request),
    providerCallId: request.callId,
    headers,
  };
}

/** The number that was dialled: the user of the Request-URI; of To, where that is our Contact at a trunk. Null: neither tells it. */
export function dialledNumber(request: SipRequest): string | null {
  const users = [numberOf(request.uri), numberOf(request.to.uri)];
  const isNumber = (user: string | undefined) => user === undefined || !CONTACT_USER.test(user);
  return users.find(isNumber) ?? null;
}

/** The user of a SIP URI, the number of a tel URI (RFC 3966). */
function numberOf(uri: string): string | undefined {
  const user = parseSipUri(uri)?.user ?? /^tel:([^;]+)/i.exec(uri)?.[1];
  return user?.split(';')[0];
}
