import { isToken, type Params, parseNumber, parseParams, splitOutside } from './grammar.ts';
import { headerOf, headersOf, type SipMessage, type SipRequest } from './message.ts';
import { type NameAddress, parseNameAddress, parseNameAddresses } from './name-address.ts';
import { parseCSeq } from './parse-message.ts';
import { parseSipUri, type SipUri, uriScheme } from './sip-uri.ts';

/** Headers read when they are needed. Each answers undefined for "absent or malformed" unless it says otherwise. */

const MAX_SECONDS = 2 ** 32 - 1;
type Headers = Pick<SipMessage, 'headers'>;

/** The Request-URI, when it is of scheme sip or sips. */
export function requestUri(request: SipRequest): SipUri | undefined {
  return parseSipUri(request.uri);
}

/** Contact (20.10): `*` only in a REGISTER. The parser has refused malformed ones. */
export function contactsOf(message: Headers): NameAddress[] | '*' {
  const values = headersOf(message, 'Contact');
  return values.includes('*') ? '*' : values.flatMap((value) => parseNameAddresses(value) ?? []);
}

/** The URI of the first Contact: where requests of a dialog go. */
export function contactUri(message: Headers): string | undefined {
  const contacts = contactsOf(message);
  return contacts === '*' ? undefined : contacts[0]?.uri;
}

/** All Route or Record-Route values in order; undefined when one is malformed. */
export function routesOf(
  message: Headers,
  name: 'Route' | 'Record-Route' | 'Path' | 'Service-Route',
): NameAddress[] | undefined {
  const routes: NameAddress[] = [];
  for (const value of headersOf(message, name)) {
    const parsed = parseNameAddresses(value);
    if (!parsed) return undefined;
    routes.push(...parsed);
  }
  return routes;
}

/** The comma-separated tokens of a header such as Supported, Require or Allow; empty when absent. */
export function tokensOf(message: Headers, name: string): string[] {
  return headersOf(message, name)
    .flatMap((value) => value.split(','))
    .map((token) => token.trim())
    .filter(isToken);
}

/** Whether an option tag stands in Supported or Require (20.32, 20.37). */
export function hasOption(message: Headers, tag: string): boolean {
  return [...tokensOf(message, 'Supported'), ...tokensOf(message, 'Require')].some(
    (found) => found.toLowerCase() === tag,
  );
}

/** A header of `number *(;param)`: Expires, Min-Expires, Min-SE, Session-Expires, Retry-After (its comment is skipped). */
export function secondsOf(message: Headers, name: string): number | undefined {
  const value = headerOf(message, name);
  return value === undefined ? undefined : parseNumber(/^[0-9]*/.exec(value)?.[0] ?? '', MAX_SECONDS);
}

/** The parameters of a header whose value is `something *(;param)`. */
export function paramsOf(message: Headers, name: string): Params | undefined {
  const [, ...params] = splitOutside(headerOf(message, name) ?? '', ';') ?? [];
  return params.length === 0 ? undefined : parseParams(params.join(';'));
}

/** `type/subtype` of the body in lower case, without parameters. */
export function contentTypeOf(message: Headers): string | undefined {
  const [type = ''] = (headerOf(message, 'Content-Type') ?? '').split(';');
  return /^[^\s/]+\s*\/\s*[^\s/]+$/.test(type.trim()) ? type.replace(/\s/g, '').toLowerCase() : undefined;
}

/** Whether the peer takes `type/subtype`: no Accept means SDP (20.1). */
export function accepts(message: Headers, contentType: string): boolean {
  const values = headersOf(message, 'Accept').flatMap((value) => value.split(','));
  if (values.length === 0) return contentType === 'application/sdp';
  const [family] = contentType.split('/');
  const ranges = values.map((value) => (value.split(';')[0] ?? '').trim().toLowerCase());
  return ranges.some((range) => range === contentType || range === '*/*' || range === `${family}/*`);
}

/** Session-Expires (RFC 4028, 4): seconds and who refreshes. */
export function sessionExpiresOf(message: Headers): { seconds: number; refresher?: 'uac' | 'uas' } | undefined {
  const seconds = secondsOf(message, 'Session-Expires');
  const refresher = paramsOf(message, 'Session-Expires')?.get('refresher');
  if (seconds === undefined) return undefined;
  return refresher === 'uac' || refresher === 'uas' ? { seconds, refresher } : { seconds };
}

/** RSeq (RFC 3262, 7.1). */
export function rseqOf(message: Headers): number | undefined {
  return parseNumber(headerOf(message, 'RSeq') ?? '', MAX_SECONDS);
}

/** RAck (RFC 3262, 7.2): which response a PRACK confirms. */
export function rackOf(message: Headers): { rseq: number; cseq: number; method: string } | undefined {
  const [, rseqText = '', rest = ''] = /^([0-9]+)\s+(.+)$/.exec(headerOf(message, 'RAck') ?? '') ?? [];
  const rseq = parseNumber(rseqText, MAX_SECONDS);
  const cseq = parseCSeq(rest);
  return rseq === undefined || !cseq ? undefined : { rseq, cseq: cseq.number, method: cseq.method };
}

/** Refer-To (RFC 3515, 2.1). */
export function referToOf(message: Headers): NameAddress | undefined {
  return parseNameAddress(headerOf(message, 'Refer-To') ?? '');
}

/** Replaces (RFC 3891, 6.1): the dialog to be replaced, as the receiver sees it. */
export function replacesOf(message: Headers): { callId: string; toTag: string; fromTag: string } | undefined {
  const params = paramsOf(message, 'Replaces');
  const callId = splitOutside(headerOf(message, 'Replaces') ?? '', ';')?.[0];
  const toTag = params?.get('to-tag');
  const fromTag = params?.get('from-tag');
  return callId && toTag && fromTag ? { callId, toTag, fromTag } : undefined;
}

/** A number for the caller as a trusted trunk gives it: P-Asserted-Identity, then Remote-Party-ID, then From. */
export function assertedCaller(message: SipMessage): NameAddress {
  const asserted = headersOf(message, 'P-Asserted-Identity').flatMap((value) => parseNameAddresses(value) ?? []);
  const [remoteParty] = headersOf(message, 'Remote-Party-ID').flatMap((value) => parseNameAddresses(value) ?? []);
  // RFC 3325, 9.1: one sip and one tel URI may be given; a number is what we look for.
  return asserted.find(({ uri }) => uriScheme(uri) === 'tel') ?? asserted[0] ?? remoteParty ?? message.from;
}
