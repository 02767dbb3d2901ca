import { isCallId, isToken, parseNumber, splitOutside } from './grammar.ts';
import { type CSeq, canonicalName, DEFAULT_MAX_FORWARDS, type Header, type SipMessage } from './message.ts';
import { type NameAddress, parseNameAddress, parseNameAddresses } from './name-address.ts';
import { parseSipUri, uriScheme } from './sip-uri.ts';
import { parseVias, type Via } from './via.ts';

export const MAX_MESSAGE_BYTES = 65_536;
export const MAX_HEADERS = 128;
export const MAX_HEADER_CHARS = 8192;
const MAX_CSEQ = 2 ** 31 - 1;
const MAX_MAX_FORWARDS = 255;
const EMPTY_LINE = Buffer.from('\r\n\r\n');

/**
 * A message, or why it is none. `status` is what a request would be answered (RFC 3261, 21.4 and 21.5); `echo` holds the five
 * headers of that answer as they came, absent where no answer is possible: responses, ACK, and noise are dropped.
 */
export type ParseResult =
  | { readonly ok: true; readonly message: SipMessage }
  | { readonly ok: false; readonly reason: string; readonly status: number; readonly echo?: readonly Header[] };

/** Where the bytes came from: a datagram ends a body that has no Content-Length, a stream must announce it (18.3). */
export type Framing = 'datagram' | 'stream';

/**
 * Parses one message (RFC 3261, section 7). Never throws. Over 64 KiB, 128 headers or 8 KiB of one header is refused, and so
 * is a value that upper layers would trip over: Via, From, To, Call-ID, CSeq, Contact, Max-Forwards and Content-Length are read
 * here, every other header when it is needed. The body is a view into `bytes`.
 */
export function parseMessage(bytes: Uint8Array, framing: Framing = 'datagram'): ParseResult {
  if (bytes.length > MAX_MESSAGE_BYTES) return refuse('message over 64 KiB', 513);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  while (buffer[start] === 0x0d && buffer[start + 1] === 0x0a) start += 2;
  const end = buffer.indexOf(EMPTY_LINE, start);
  if (end < 0) return refuse('no empty line after the headers');
  const [first = '', ...lines] = buffer.toString('utf8', start, end).split('\r\n');
  const headers = parseHeaders(lines);
  if (typeof headers === 'string') return refuse(headers);

  const startLine = parseStartLine(first);
  const echo = startLine.type === 'response' || first.startsWith('ACK ') ? undefined : echoable(headers);
  if ('reason' in startLine) return refuse(startLine.reason, startLine.status, echo);
  const common = parseCommon(headers, startLine.line.method);
  if (typeof common === 'string') return refuse(common, 400, echo);
  const body = cutBody(bytes.subarray(end + EMPTY_LINE.length), headers, framing);
  if (typeof body === 'string') return refuse(body, 400, echo);
  const rest = headers.filter(({ name }) => !OWN_FIELD.has(name));
  return { ok: true, message: { ...common, ...startLine.line, headers: rest, body } as SipMessage };
}

/** Headers that are fields of the message, or written anew when it is sent. */
const OWN_FIELD = new Set(['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Length']);
/** Headers that may appear once (RFC 4475, 3.3.8). */
const SINGLE = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Type', 'Expires'];

function refuse(reason: string, status = 400, echo?: readonly Header[]): ParseResult {
  return { ok: false, reason, status, ...(echo ? { echo } : {}) };
}

/** 7.3.1: a line that begins with a blank continues the one before; the fold counts as one space. */
function parseHeaders(lines: readonly string[]): Header[] | string {
  const headers: Header[] = [];
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i] ?? '';
    while (/^[ \t]/.test(lines[i + 1] ?? '')) line += ` ${(lines[++i] ?? '').trim()}`;
    if (line.length > MAX_HEADER_CHARS) return 'a header over 8 KiB';
    if (headers.length >= MAX_HEADERS) return 'over 128 headers';
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trimEnd();
    if (!isToken(name)) return 'a line that is no header';
    // A control character may stand only behind a backslash in a quoted string (quoted-pair, 25.1).
    if (/(?<!\\)[^\P{Cc}\t]/u.test(line)) return `a control character in ${canonicalName(name)}`;
    headers.push({ name: canonicalName(name), value: line.slice(colon + 1).trim() });
  }
  return headers;
}

type StartLine =
  | { readonly type: 'request'; readonly line: { type: 'request'; method: string; uri: string } }
  | {
      readonly type: 'response';
      readonly line: { type: 'response'; method: undefined; status: number; reason: string };
    }
  | { readonly type: 'request' | 'response'; readonly reason: string; readonly status: number };

/** 7.1 and 7.2: exactly one space between the parts. */
function parseStartLine(line: string): StartLine {
  if (/^SIP\//i.test(line)) return parseStatusLine(line);
  const [method = '', uri = '', version = '', ...more] = line.split(' ');
  const bad = (reason: string, status = 400): StartLine => ({ type: 'request', reason, status });
  if (more.length > 0 || !isToken(method)) return bad('a request line that is not "method URI version"');
  if (!/^SIP\/\d+\.\d+$/i.test(version)) return bad('no SIP version in the request line');
  if (version.toUpperCase() !== 'SIP/2.0') return bad('a SIP version other than 2.0', 505);
  const scheme = uriScheme(uri);
  if (scheme === undefined) return bad('a Request-URI that is no URI');
  if (scheme !== 'sip' && scheme !== 'sips') return { type: 'request', line: { type: 'request', method, uri } };
  const parsed = parseSipUri(uri);
  if (!parsed || parsed.headers !== undefined) return bad('a malformed Request-URI');
  return { type: 'request', line: { type: 'request', method, uri } };
}

function parseStatusLine(line: string): StartLine {
  const [, code = '', reason = ''] = /^SIP\/2\.0 ([0-9]{3})(?: (.*))?$/i.exec(line) ?? [];
  const status = parseNumber(code, 699);
  if (status === undefined || status < 100) return { type: 'response', reason: 'a malformed status line', status: 400 };
  return { type: 'response', line: { type: 'response', method: undefined, status, reason } };
}

type Common = Pick<SipMessage, 'vias' | 'from' | 'to' | 'callId' | 'cseq'> & { readonly maxForwards?: number };

function parseCommon(headers: readonly Header[], method: string | undefined): Common | string {
  const values = new Map<string, string>();
  for (const { name, value } of headers) {
    if (values.has(name) && SINGLE.includes(name)) return `${name} more than once`;
    if (!values.has(name)) values.set(name, value);
  }
  const vias = parseAllVias(headers);
  const from = parseOne(values.get('From'));
  const to = parseOne(values.get('To'));
  const callId = values.get('Call-ID') ?? '';
  const cseq = parseCSeq(values.get('CSeq') ?? '');
  if (!vias) return 'no Via, or a malformed one';
  if (!from || !to) return `no ${from ? 'To' : 'From'}, or a malformed one`;
  if (!isCallId(callId)) return 'no Call-ID, or a malformed one';
  if (!cseq) return 'no CSeq, or a malformed one';
  if (method !== undefined && cseq.method !== method) return 'CSeq names another method than the request line';
  if (!areContacts(headers)) return 'a malformed Contact';
  if (method === undefined) return { vias, from, to, callId, cseq };
  const maxForwards = parseNumber(values.get('Max-Forwards') ?? `${DEFAULT_MAX_FORWARDS}`, MAX_MAX_FORWARDS);
  if (maxForwards === undefined) return 'a Max-Forwards outside 0-255';
  return { vias, from, to, callId, cseq, maxForwards };
}

function parseAllVias(headers: readonly Header[]): [Via, ...Via[]] | undefined {
  const all: Via[] = [];
  for (const { name, value } of headers) {
    if (name !== 'Via') continue;
    const vias = parseVias(value);
    if (!vias) return undefined;
    all.push(...vias);
  }
  const [top, ...rest] = all;
  return top && [top, ...rest];
}

function parseOne(value: string | undefined): NameAddress | undefined {
  // From and To hold one address: a comma outside quotes and brackets makes two.
  return value !== undefined && splitOutside(value, ',')?.length === 1 ? parseNameAddress(value) : undefined;
}

/** Parses a CSeq value: `number method`, number below 2^31 (8.1.1.5). */
export function parseCSeq(value: string): CSeq | undefined {
  const [digits = '', method = '', ...more] = value.split(/\s+/);
  const number = parseNumber(digits, MAX_CSEQ);
  return number === undefined || !isToken(method) || more.length > 0 ? undefined : { number, method };
}

function areContacts(headers: readonly Header[]): boolean {
  return headers.every(
    ({ name, value }) => name !== 'Contact' || value === '*' || parseNameAddresses(value) !== undefined,
  );
}

/** 18.3: a datagram's extra bytes are dropped, a missing part is an error. */
function cutBody(rest: Uint8Array, headers: readonly Header[], framing: Framing): Uint8Array | string {
  const lengths = new Set(headers.filter(({ name }) => name === 'Content-Length').map(({ value }) => value));
  if (lengths.size > 1) return 'two different Content-Length headers';
  const [text] = lengths;
  if (text === undefined) return framing === 'stream' ? 'no Content-Length on a stream' : rest;
  const length = parseNumber(text, MAX_MESSAGE_BYTES);
  if (length === undefined) return 'a malformed Content-Length';
  return length > rest.length ? 'a body shorter than its Content-Length' : rest.subarray(0, length);
}

/** The raw headers an error response repeats; undefined when one is missing. */
function echoable(headers: readonly Header[]): readonly Header[] | undefined {
  const wanted = ['Via', 'From', 'To', 'Call-ID', 'CSeq'];
  const found = headers.filter(({ name }) => wanted.includes(name));
  return wanted.every((name) => found.some((header) => header.name === name)) ? found : undefined;
}
