/** Characters and lists of RFC 3261, section 25.1. Nothing here throws; `undefined` means "not in the grammar". */

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
const WORD = /^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+$/;
const HOST_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const MAX_HOST_CHARS = 255;
const MAX_PORT = 65535;

/** Whether the text is a `token` (25.1): method names, tags, parameter names. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether the text is a Call-ID: `word ["@" word]` (25.1). */
export function isCallId(text: string): boolean {
  const [left = '', right, more] = text.split('@');
  return WORD.test(left) && (right === undefined || WORD.test(right)) && more === undefined;
}

/** Reads 1*DIGIT up to `max`; leading zeros are allowed (RFC 4475, 3.1.1.1 has `Max-Forwards: 0068`). */
export function parseNumber(text: string, max: number): number | undefined {
  if (!/^[0-9]{1,20}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** Splits at `separator` where it stands outside quoted strings and angle brackets; undefined when one is left open. */
export function splitOutside(text: string, separator: string): string[] | undefined {
  const parts: string[] = [];
  let start = 0;
  let inQuotes = false;
  let inAngle = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (inQuotes) {
      if (char === '\\') i++;
      else if (char === '"') inQuotes = false;
    } else if (char === '"') inQuotes = true;
    else if (char === '<' && !inAngle) inAngle = true;
    else if (char === '>') inAngle = false;
    else if (char === separator && !inAngle) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  if (inQuotes || inAngle) return undefined;
  parts.push(text.slice(start).trim());
  return parts;
}

/** The text of a `quoted-string`, without its quotes and escapes; undefined when it is none. */
export function unquote(text: string): string | undefined {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return undefined;
  let out = '';
  for (let i = 1; i < text.length - 1; i++) {
    if (text[i] === '"') return undefined;
    if (text[i] === '\\' && ++i >= text.length - 1) return undefined;
    out += text[i];
  }
  return out;
}

/** Writes a `quoted-string`; control characters are escaped too. CR and LF, which it may not hold, become spaces. */
export function quote(text: string): string {
  return `"${text.replace(/[\r\n]/g, ' ').replace(/[\\"]|[^\P{Cc}\t]/gu, '\\$&')}"`;
}

/** Header and URI parameters in their order; names in lower case; null for a parameter without a value. */
export type Params = ReadonlyMap<string, string | null>;

export const NO_PARAMS: Params = new Map();

/** Parses the list after the first ";". The first of two parameters with one name counts; an empty one is an error. */
export function parseParams(list: string): Params | undefined {
  const parts = splitOutside(list, ';');
  if (!parts) return undefined;
  const params = new Map<string, string | null>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (!isToken(name)) return undefined;
    const value = equals < 0 ? null : parseParamValue(part.slice(equals + 1).trim());
    if (value === undefined) return undefined;
    if (!params.has(name)) params.set(name, value);
  }
  return params;
}

/** `;name=value` for each; a value that is no token or host is quoted. */
export function printParams(params: Params): string {
  let out = '';
  for (const [name, value] of params) {
    if (value === null) out += `;${name}`;
    else out += `;${name}=${PLAIN_VALUE.test(value) ? value : quote(value)}`;
  }
  return out;
}

// gen-value is token, host or quoted-string; real parameters also hold ":", "/", "@" and brackets unquoted.
const PLAIN_VALUE = /^[^\s;,"<>?=\\]+$/;
const LOOSE_VALUE = /^[^\s;,"<>\\]+$/;

function parseParamValue(text: string): string | undefined {
  if (text.startsWith('"')) return unquote(text);
  return LOOSE_VALUE.test(text) ? text : undefined;
}

/** A host and maybe a port. An IPv6 address is held without its brackets. */
export type HostPort = { readonly host: string; readonly port?: number };

/** Parses `host [":" port]` (25.1); an IPv6 reference needs its brackets. */
export function parseHostPort(text: string): HostPort | undefined {
  const bracket = text.startsWith('[') ? text.indexOf(']') : -1;
  if (text.startsWith('[') && bracket < 0) return undefined;
  const colon = text.indexOf(':', bracket + 1);
  const hostText = (colon < 0 ? text : text.slice(0, colon)).trim();
  const host = parseHost(hostText);
  if (host === undefined) return undefined;
  if (colon < 0) return { host };
  const port = parseNumber(text.slice(colon + 1).trim(), MAX_PORT);
  return port === undefined ? undefined : { host, port };
}

/** `host:port`, brackets around IPv6. */
export function printHostPort({ host, port }: HostPort): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? shown : `${shown}:${port}`;
}

function parseHost(text: string): string | undefined {
  if (text.startsWith('[')) {
    // RFC 5118, 4.10: the grammar of RFC 3261 lets a third colon stand before an embedded IPv4 address.
    const inner = text.slice(1, -1).replace(':::', '::');
    return text.endsWith(']') && isIpv6(inner) ? inner : undefined;
  }
  return text.length <= MAX_HOST_CHARS && HOST_NAME.test(text) ? text : undefined;
}

/** Whether the text is an IPv4 address in dotted decimals. */
export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) <= 255);
}

/** Whether the text is an IPv6 address (RFC 4291, 2.2), without brackets or zone. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2 || text.length > 45) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [at, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && at === parts.length - 1;
      if (isLast && part.includes('.')) {
        if (!isIpv4(part)) return false;
        groups += 2;
      } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups += 1;
      else return false;
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

/** Whether the text is an address rather than a name that needs resolving. */
export function isAddress(host: string): boolean {
  return isIpv4(host) || isIpv6(host);
}
