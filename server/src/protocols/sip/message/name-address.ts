import { isToken, type Params, parseParams, printParams, quote, splitOutside, unquote } from './grammar.ts';
import { parseSipUri, uriScheme } from './sip-uri.ts';

/**
 * What From, To, Contact, Route, Record-Route and Refer-To hold (RFC 3261, 20.10):
 *
 *     "display name" <uri>;header-parameters      or      uri;header-parameters
 *
 * `uri` is the text as written: it may be of any scheme. Without angle brackets, parameters belong to the header.
 */
export type NameAddress = { readonly displayName?: string; readonly uri: string; readonly params: Params };

/** Parses one value. Spaces inside the brackets and unquoted commas in names are refused (RFC 4475, 3.1.2.14, 3.1.2.15). */
export function parseNameAddress(text: string): NameAddress | undefined {
  const open = indexOfOpenBracket(text);
  if (open < 0) return parseAddrSpec(text);
  const close = text.indexOf('>', open);
  if (close < 0) return undefined;
  const displayName = parseDisplayName(text.slice(0, open).trim());
  const uri = text.slice(open + 1, close);
  const tail = text.slice(close + 1).trim();
  if (displayName === undefined || !isUri(uri) || (tail !== '' && !tail.startsWith(';'))) return undefined;
  const params = tail === '' ? new Map() : parseParams(tail.slice(1));
  return params && { ...(displayName === '' ? {} : { displayName }), uri, params };
}

/** Parses a comma-separated list. An empty element makes the whole list wrong. */
export function parseNameAddresses(text: string): NameAddress[] | undefined {
  const found: NameAddress[] = [];
  for (const part of splitOutside(text, ',') ?? ['']) {
    const one = parseNameAddress(part);
    if (!one) return undefined;
    found.push(one);
  }
  return found;
}

/** Always with angle brackets, so that no parameter changes its owner. */
export function printNameAddress({ displayName, uri, params }: NameAddress): string {
  const name = displayName === undefined ? '' : `${quote(displayName)} `;
  return `${name}<${uri}>${printParams(params)}`;
}

/** The tag of a From or To. */
export function tagOf(address: NameAddress): string | undefined {
  return address.params.get('tag') ?? undefined;
}

/** The same address with another tag. */
export function withTag(address: NameAddress, tag: string): NameAddress {
  return { ...address, params: new Map([...address.params, ['tag', tag]]) };
}

function indexOfOpenBracket(text: string): number {
  let inQuotes = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && inQuotes) i++;
    else if (text[i] === '"') inQuotes = !inQuotes;
    else if (text[i] === '<' && !inQuotes) return i;
  }
  return -1;
}

/** A quoted-string or tokens with spaces between. */
function parseDisplayName(text: string): string | undefined {
  if (text === '' || text.startsWith('"')) return text === '' ? '' : unquote(text);
  return text.split(/\s+/).every(isToken) ? text : undefined;
}

/** 20.10: a URI with a comma, question mark or semicolon must stand in angle brackets. */
function parseAddrSpec(text: string): NameAddress | undefined {
  const semicolon = text.indexOf(';');
  const uri = (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
  if (!isUri(uri) || /[,?]/.test(uri)) return undefined;
  const params = semicolon < 0 ? new Map() : parseParams(text.slice(semicolon + 1));
  return params && { uri, params };
}

function isUri(text: string): boolean {
  const scheme = uriScheme(text);
  if (scheme === undefined) return false;
  return scheme === 'sip' || scheme === 'sips' ? parseSipUri(text) !== undefined : true;
}
