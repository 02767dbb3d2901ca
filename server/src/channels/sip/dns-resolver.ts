import { lookup, resolveNaptr, resolveSrv } from 'node:dns/promises';
import type { Resolver } from '../../protocols/sip/uac/locate-server.ts';

/** The system's DNS, for requests of ours to a peer whose Contact is a name (RFC 3263). */
export const dnsResolver: Resolver = {
  naptr: async (domain) => {
    const records = await resolveNaptr(domain);
    return records.toSorted((a, b) => a.order - b.order || a.preference - b.preference);
  },
  srv: (name) => resolveSrv(name),
  addresses: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
};
