import { type HostPort, isToken, NO_PARAMS, type Params, parseHostPort, printHostPort } from './grammar.ts';

/**
 * A SIP or SIPS URI (RFC 3261, 19.1.1):
 *
 *     sip:user:password@host:port;uri-parameters?headers
 *
 * `user` and `password` are unescaped; `headers` stays as it was written.
 */
export type SipUri = HostPort & {
  readonly scheme: 'sip' | 'sips';
  readonly user?: string;
  readonly password?: string;
  readonly params: Params;
  readonly headers?: string;
};

// "#" is no user character by the RFC, but phones send feature codes with it unescaped.
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]|%[0-9A-Fa-f]{2})+$/;
const PASSWORD = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*$/;
const PARAM_VALUE = /^(?:[A-Za-z0-9\-_.!~*'()[\]/:&+$`]|%[0-9A-Fa-f]{2})+$/;
const HEADERS = /^(?:[A-Za-z0-9\-_.!~*'()[\]/?:+$=&]|%[0-9A-Fa-f]{2})+$/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):[^\s<>]+$/;

/** The scheme of any absolute URI, in lower case; undefined when the text is no URI. */
export function uriScheme(text: string): string | undefined {
  return SCHEME.exec(text)?.[1]?.toLowerCase();
}

/** Parses a sip: or sips: URI. */
export function parseSipUri(text: string): SipUri | undefined {
  const scheme = uriScheme(text);
  if (scheme !== 'sip' && scheme !== 'sips') return undefined;
  const rest = text.slice(scheme.length + 1);
  const at = rest.indexOf('@');
  const userInfo = at < 0 ? {} : parseUserInfo(rest.slice(0, at));
  const [, hostText = '', paramText, headers] = /^([^;?]*)(?:;([^?]*))?(?:\?(.*))?$/.exec(rest.slice(at + 1)) ?? [];
  const hostPort = parseHostPort(hostText);
  const params = paramText === undefined ? NO_PARAMS : parseUriParams(paramText);
  if (!userInfo || !hostPort || !params || (headers !== undefined && !HEADERS.test(headers))) return undefined;
  return { scheme, ...userInfo, ...hostPort, params, ...(headers === undefined ? {} : { headers }) };
}

/** Prints a URI; the password too, so never into a log: see `redactUri`. */
export function printSipUri(uri: SipUri): string {
  const password = uri.password === undefined ? '' : `:${escapeUser(uri.password, PASSWORD_KEPT)}`;
  const user = uri.user === undefined ? '' : `${escapeUser(uri.user, USER_KEPT)}${password}@`;
  let params = '';
  for (const [name, value] of uri.params) params += value === null ? `;${name}` : `;${name}=${value}`;
  return `${uri.scheme}:${user}${printHostPort(uri)}${params}${uri.headers === undefined ? '' : `?${uri.headers}`}`;
}

/** A URI, or any text holding some, with every password replaced: `sip:2000:***@host`. Safe for logs. */
export function redactUri(text: string): string {
  return text.replace(/\b(sips?:[^\s:@<>"]*):[^\s@<>"]*@/gi, '$1:***@');
}

/** The URI without a password: what may be echoed to others. */
export function withoutPassword(uri: SipUri): SipUri {
  const { password: _, ...rest } = uri;
  return rest;
}

/** Whether two URIs name the same resource by RFC 3261, 19.1.4, for the parts that route a request. */
export function isSameUri(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.user !== b.user || a.password !== b.password) return false;
  if (a.host.toLowerCase() !== b.host.toLowerCase() || a.port !== b.port) return false;
  for (const name of ['user', 'ttl', 'method', 'maddr', 'transport'])
    if (lower(a.params.get(name)) !== lower(b.params.get(name))) return false;
  for (const [name, value] of a.params) {
    const other = b.params.get(name);
    if (other !== undefined && lower(other) !== lower(value)) return false;
  }
  return (a.headers ?? '') === (b.headers ?? '');
}

function lower(value: string | null | undefined): string | null | undefined {
  return value?.toLowerCase() ?? value;
}

function parseUserInfo(text: string): { user: string; password?: string } | undefined {
  // A user may hold ";", "?" and "/" (RFC 4475, 3.1.1.2 and 3.1.1.9), never ":".
  const colon = text.indexOf(':');
  const user = colon < 0 ? text : text.slice(0, colon);
  const password = colon < 0 ? undefined : text.slice(colon + 1);
  if (!USER.test(user) || (password !== undefined && !PASSWORD.test(password))) return undefined;
  return { user: unescaped(user), ...(password === undefined ? {} : { password: unescaped(password) }) };
}

function parseUriParams(text: string): Params | undefined {
  const params = new Map<string, string | null>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? null : part.slice(equals + 1);
    if (!isUriParamName(name) || (value !== null && !PARAM_VALUE.test(value))) return undefined;
    if (!params.has(name)) params.set(name, value);
  }
  return params;
}

function isUriParamName(name: string): boolean {
  return isToken(name) || PARAM_VALUE.test(name);
}

/** Percent escapes undone; bytes that are no UTF-8 stay escaped, as does text that was never an escape. */
function unescaped(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const USER_KEPT = /[A-Za-z0-9\-_.!~*'()&=+$,;?/]/;
const PASSWORD_KEPT = /[A-Za-z0-9\-_.!~*'()&=+$,]/;

function escapeUser(text: string, kept: RegExp): string {
  let out = '';
  for (const char of text) {
    if (kept.test(char)) out += char;
    else for (const byte of Buffer.from(char)) out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
