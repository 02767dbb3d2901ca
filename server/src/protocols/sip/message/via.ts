import {
  type HostPort,
  isToken,
  type Params,
  parseHostPort,
  parseParams,
  printHostPort,
  printParams,
  splitOutside,
} from './grammar.ts';

/** One hop (RFC 3261, 20.42): `SIP/2.0/UDP host:port;branch=...;received=...;rport=...`. `transport` is in upper case. */
export type Via = HostPort & { readonly transport: string; readonly params: Params };

/** What a branch of RFC 3261 starts with (8.1.1.7). */
export const BRANCH_COOKIE = 'z9hG4bK';

/** Parses a Via header's comma-separated values. */
export function parseVias(text: string): Via[] | undefined {
  const found: Via[] = [];
  for (const part of splitOutside(text, ',') ?? ['']) {
    const via = parseVia(part);
    if (!via) return undefined;
    found.push(via);
  }
  return found;
}

function parseVia(text: string): Via | undefined {
  const semicolon = text.indexOf(';');
  const head = (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
  const [, version = '', transport = '', sentBy = ''] =
    /^SIP\s*\/\s*([^\s/]+)\s*\/\s*([^\s/]+)\s+(.+)$/i.exec(head) ?? [];
  const hostPort = parseHostPort(sentBy);
  const params = semicolon < 0 ? new Map() : parseParams(text.slice(semicolon + 1));
  if (version !== '2.0' || !isToken(transport) || !hostPort || !params) return undefined;
  return { ...hostPort, transport: transport.toUpperCase(), params };
}

export function printVia(via: Via): string {
  return `SIP/2.0/${via.transport} ${printHostPort(via)}${printParams(via.params)}`;
}

/** The same hop with parameters set or replaced. */
export function withViaParams(via: Via, changes: Readonly<Record<string, string | null>>): Via {
  return { ...via, params: new Map([...via.params, ...Object.entries(changes)]) };
}
