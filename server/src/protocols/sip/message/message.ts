import type { NameAddress } from './name-address.ts';
import type { Via } from './via.ts';

/** A header that has no field of its own in the message. Names are canonical where RFC 3261 knows them (`Call-ID`, not `i`). */
export type Header = { readonly name: string; readonly value: string };

/** CSeq (20.16): below 2^31. */
export type CSeq = { readonly number: number; readonly method: string };

/**
 * What every SIP message has (RFC 3261, 7 and 8.1.1). The five headers that route it are parsed once and live in fields;
 * all others stay text in `headers`, in their order, and are read through typed-headers.ts. Plain data: change a message
 * by spreading it into a new one.
 */
type Common = {
  /** Topmost first, at least one. */
  readonly vias: readonly [Via, ...Via[]];
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly callId: string;
  readonly cseq: CSeq;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
};

export type SipRequest = Common & {
  readonly type: 'request';
  readonly method: string;
  /** The Request-URI as text; it may hold a password: see `redactUri`. */
  readonly uri: string;
  /** 70 where a peer of before RFC 3261 sent none. */
  readonly maxForwards: number;
};

export type SipResponse = Common & {
  readonly type: 'response';
  /** 100-699. */
  readonly status: number;
  readonly reason: string;
};

export type SipMessage = SipRequest | SipResponse;

export const NO_BODY = new Uint8Array(0);
export const DEFAULT_MAX_FORWARDS = 70;

const COMPACT: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  n: 'Identity-Info',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
};

const KNOWN = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Alert-Info',
  'Allow',
  'Authentication-Info',
  'Authorization',
  'Call-Info',
  'Content-Disposition',
  'Content-Language',
  'CSeq',
  'Date',
  'Diversion',
  'Error-Info',
  'Expires',
  'History-Info',
  'In-Reply-To',
  'Max-Forwards',
  'MIME-Version',
  'Min-Expires',
  'Min-SE',
  'Organization',
  'P-Asserted-Identity',
  'Path',
  'Priority',
  'Privacy',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Require',
  'RAck',
  'Reason',
  'Record-Route',
  'Remote-Party-ID',
  'Replaces',
  'Reply-To',
  'Require',
  'Retry-After',
  'Route',
  'RSeq',
  'Server',
  'Service-Route',
  'Subscription-State',
  'Timestamp',
  'Unsupported',
  'User-Agent',
  'Warning',
  'WWW-Authenticate',
];

const CANONICAL = new Map<string, string>([
  ...[...KNOWN, ...Object.values(COMPACT)].map((name): [string, string] => [name.toLowerCase(), name]),
  ...Object.entries(COMPACT),
]);

/** The spelling headers are kept under: `v`, `VIA` and `via` are `Via`; unknown names stay as written. */
export function canonicalName(name: string): string {
  return CANONICAL.get(name) ?? CANONICAL.get(name.toLowerCase()) ?? name;
}

/** The first value of a header, or undefined. */
export function headerOf(message: { readonly headers: readonly Header[] }, name: string): string | undefined {
  return headersOf(message, name)[0];
}

/** All values of a header, in order; comma-separated lists are not split. */
export function headersOf(message: { readonly headers: readonly Header[] }, name: string): string[] {
  const wanted = canonicalName(name).toLowerCase();
  return message.headers.filter((header) => header.name.toLowerCase() === wanted).map((header) => header.value);
}

/** The headers of `list` with every one called `name` replaced by `value`, at the end. */
export function withHeader(list: readonly Header[], name: string, value: string): Header[] {
  return [...withoutHeader(list, name), { name: canonicalName(name), value }];
}

/** The headers of `list` without those called `name`. */
export function withoutHeader(list: readonly Header[], name: string): Header[] {
  const wanted = canonicalName(name).toLowerCase();
  return list.filter((header) => header.name.toLowerCase() !== wanted);
}

/** The body as text. */
export function bodyText(message: { readonly body: Uint8Array }): string {
  return Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength).toString('utf8');
}
