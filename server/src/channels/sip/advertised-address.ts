import dgram from 'node:dgram';
import { BlockList, isIP } from 'node:net';

export type AddressRules = {
  /** SIP__SERVER */
  readonly bindHost: string;
  readonly externalIp: string | null;
  /** CIDR */
  readonly localNets: readonly string[];
};

/** The local address the system would send from; no packet is sent. @throws when there is no route. */
export type RouteProbe = (remoteAddress: string) => Promise<string>;

const MOST_REMEMBERED = 1000;

/**
 * Which address of ours a peer is told: EXTERNAL_IP outside of LOCAL_NETS; inside, or without one, the local address that
 * routes to the peer. Routes are asked once for each peer, and remembered.
 */
export class AdvertisedAddress {
  readonly #rules: AddressRules;
  readonly #probe: RouteProbe;
  readonly #localNets: BlockList;
  readonly #known = new Map<string, string>();

  constructor(rules: AddressRules, probe: RouteProbe = probeRoute) {
    this.#rules = rules;
    this.#probe = probe;
    this.#localNets = blockListOf(rules.localNets);
  }

  /** Finds it out, so that `of` knows. @throws when no route leads to the peer. */
  async learn(remoteAddress: string): Promise<string> {
    const remote = plainAddress(remoteAddress);
    const fixed = this.#fixed(remote) ?? this.#known.get(remote);
    if (fixed !== undefined) return fixed;
    const found = plainAddress(await this.#probe(remote));
    this.#known.set(remote, found);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    return found;
  }

  /** What was learnt; for a peer never met, the address its flow ends at. */
  of(remoteAddress: string, flowAddress: string): string {
    const remote = plainAddress(remoteAddress);
    return this.#fixed(remote) ?? this.#known.get(remote) ?? plainAddress(flowAddress);
  }

  #fixed(remote: string): string | undefined {
    const { externalIp, bindHost } = this.#rules;
    const family = isIP(remote);
    if (externalIp !== null && isIP(externalIp) === family && !isListed(this.#localNets, remote)) return externalIp;
    return isWildcard(bindHost) || isIP(bindHost) !== family ? undefined : bindHost;
  }
}

/** Connects a UDP socket, which sends nothing, and reads which address it got. */
export const probeRoute: RouteProbe = (remoteAddress) =>
  new Promise((resolve, reject) => {
    const socket = dgram.createSocket(isIP(remoteAddress) === 6 ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.connect(5060, remoteAddress, () => {
      const { address } = socket.address();
      socket.close();
      resolve(address);
    });
  });

/** Networks and single addresses; what cannot be read lists nothing. */
export function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.trim().split('/');
    const family = isIP(address);
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix || Number.NaN);
    const isReadable = family !== 0 && Number.isInteger(bits) && bits >= 0 && bits <= (family === 4 ? 32 : 128);
    if (isReadable) list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

export function isListed(list: BlockList, address: string): boolean {
  const plain = plainAddress(address);
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** IPv4 addresses that an IPv6 socket reports come as they are. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || isIP(host) === 0;
}
