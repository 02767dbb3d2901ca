import { isAddress } from '../message/grammar.ts';
import { parseSipUri, type SipUri } from '../message/sip-uri.ts';
import { DEFAULT_PORT, type Protocol, type Target } from '../transport/flow.ts';

/** A SRV record (RFC 2782). */
export type SrvRecord = {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
};

/** The DNS, handed in. Each answers an empty list for "none"; it may reject when no answer is to be had. */
export interface Resolver {
  /** NAPTR services such as `SIP+D2U`, by order then preference, with the SRV name each leads to. */
  naptr(domain: string): Promise<readonly { readonly service: string; readonly replacement: string }[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  /** IPv4 and IPv6 addresses. */
  addresses(host: string): Promise<readonly string[]>;
}

const SERVICES: Readonly<Record<string, Protocol>> = { 'SIP+D2U': 'UDP', 'SIP+D2T': 'TCP', 'SIPS+D2T': 'TLS' };
const SRV_PREFIX: Readonly<Record<Protocol, string>> = { UDP: '_sip._udp.', TCP: '_sip._tcp.', TLS: '_sips._tcp.' };

export type LocateTools = {
  readonly resolver: Resolver;
  /** What we can send over. */
  readonly protocols: readonly Protocol[];
  /** A random number, 0 <= n < limit. */
  readonly below: (limit: number) => number;
};

/**
 * The targets of a URI in the order they are tried (RFC 3263, 4). An explicit transport, port or numeric host skips NAPTR; a port
 * or numeric host skips SRV too. Empty when nothing resolves or nothing we speak is offered.
 */
export async function locateServer(uriText: string, tools: LocateTools): Promise<Target[]> {
  const uri = parseSipUri(uriText);
  if (!uri) return [];
  const targets = await locate(uri, tools);
  if (isAddress(uri.host)) return targets;
  // Whatever the DNS says, the certificate is for whom was asked for.
  return targets.map((target) => (target.protocol === 'TLS' ? { ...target, serverName: uri.host } : target));
}

async function locate(uri: SipUri, tools: LocateTools): Promise<Target[]> {
  const host = uri.params.get('maddr') ?? uri.host;
  const wanted = explicitProtocol(uri.scheme, uri.params.get('transport'));
  if (wanted === 'unknown') return [];
  if (isAddress(host) || uri.port !== undefined) {
    const protocol = wanted ?? 'UDP';
    return tools.protocols.includes(protocol) ? expand(host, uri.port ?? DEFAULT_PORT[protocol], protocol, tools) : [];
  }
  for (const { protocol, name } of await services(host, wanted, tools)) {
    const targets = await fromSrv(name, protocol, tools);
    if (targets.length > 0) return targets;
  }
  const protocol = wanted ?? 'UDP';
  return tools.protocols.includes(protocol) ? expand(host, DEFAULT_PORT[protocol], protocol, tools) : [];
}

function explicitProtocol(
  scheme: 'sip' | 'sips',
  transport: string | null | undefined,
): Protocol | 'unknown' | undefined {
  if (scheme === 'sips') return 'TLS';
  if (transport === undefined || transport === null) return undefined;
  const named = transport.toUpperCase();
  return named === 'UDP' || named === 'TCP' || named === 'TLS' ? named : 'unknown';
}

/** 4.1: NAPTR where it answers, else the SRV name of each protocol we speak. */
async function services(host: string, wanted: Protocol | undefined, tools: LocateTools) {
  if (wanted !== undefined)
    return tools.protocols.includes(wanted) ? [{ protocol: wanted, name: SRV_PREFIX[wanted] + host }] : [];
  const records = await quietly(tools.resolver.naptr(host));
  const offered = records.flatMap(({ service, replacement }) => {
    const protocol = SERVICES[service.toUpperCase()];
    return protocol && tools.protocols.includes(protocol) ? [{ protocol, name: replacement }] : [];
  });
  if (offered.length > 0) return offered;
  const order: readonly Protocol[] = ['UDP', 'TCP'];
  return order
    .filter((protocol) => tools.protocols.includes(protocol))
    .map((protocol) => ({ protocol, name: SRV_PREFIX[protocol] + host }));
}

async function fromSrv(name: string, protocol: Protocol, tools: LocateTools): Promise<Target[]> {
  const records = orderSrv(await quietly(tools.resolver.srv(name)), tools.below);
  const targets = await Promise.all(records.map((record) => expand(record.name, record.port, protocol, tools)));
  return targets.flat();
}

/** RFC 2782: lowest priority first; within one, drawn by weight. */
export function orderSrv(records: readonly SrvRecord[], below: (limit: number) => number): SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const left = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  while (left.length > 0) {
    const peers = left.filter(({ priority }) => priority === left[0]?.priority);
    const chosen = draw(peers, below);
    if (!chosen) break;
    ordered.push(chosen);
    left.splice(left.indexOf(chosen), 1);
  }
  return ordered;
}

function draw(peers: readonly SrvRecord[], below: (limit: number) => number): SrvRecord | undefined {
  let mark = below(peers.reduce((sum, { weight }) => sum + weight, 0) + 1);
  for (const peer of peers) {
    mark -= peer.weight;
    if (mark <= 0) return peer;
  }
  return peers[0];
}

async function expand(host: string, port: number, protocol: Protocol, tools: LocateTools): Promise<Target[]> {
  const addresses = isAddress(host) ? [host] : await quietly(tools.resolver.addresses(host));
  return addresses.map((address) => ({ protocol, address, port }));
}

async function quietly<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await answer;
  } catch {
    return [];
  }
}
