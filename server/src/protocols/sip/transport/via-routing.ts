import { isAddress } from '../message/grammar.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { type Via, withViaParams } from '../message/via.ts';
import { DEFAULT_PORT, type Flow, type Protocol, type Target } from './flow.ts';

/**
 * Marks the top Via with where the request really came from: `received` when the sent-by is another host (RFC 3261, 18.2.1),
 * `rport` and `received` when the sender asked for them (RFC 3581, 4).
 */
export function stampVia(request: SipRequest, source: Target): SipRequest {
  const [top, ...rest] = request.vias;
  const wantsPort = top.params.has('rport');
  const isElsewhere = !isAddress(top.host) || normal(top.host) !== normal(source.address);
  const changes = {
    ...(isElsewhere || wantsPort ? { received: source.address } : {}),
    ...(wantsPort ? { rport: `${source.port}` } : {}),
  };
  return { ...request, vias: [withViaParams(top, changes), ...rest] };
}

/**
 * Where a response goes when the flow its request came by is gone, or is UDP (RFC 3261, 18.2.2; RFC 3581, 4): maddr, else
 * received and rport, else received and the sent-by port. Undefined where only a name is known: that needs RFC 3263.
 */
export function responseTarget(via: Via): Target | undefined {
  const protocol: Protocol = via.transport === 'TCP' || via.transport === 'TLS' ? via.transport : 'UDP';
  const address = via.params.get('maddr') ?? via.params.get('received')?.replace(/^\[|\]$/g, '') ?? via.host;
  const rport = Number(via.params.get('rport') ?? 0);
  const usesRport = protocol === 'UDP' && !via.params.get('maddr') && rport > 0 && rport <= 65_535;
  const port = usesRport ? rport : (via.port ?? DEFAULT_PORT[protocol]);
  return isAddress(address) ? { protocol, address, port } : undefined;
}

/** Sends a response by the rules of 18.2.2: the request's own connection, else a new one to the sent-by address. */
export async function sendResponse(
  bytes: Uint8Array,
  route: { readonly via: SipResponse['vias'][0]; readonly flow: Flow },
  open: (target: Target) => Promise<Flow>,
): Promise<boolean> {
  const { via, flow } = route;
  if (flow.protocol !== 'UDP' && flow.send(bytes)) return true;
  const target = responseTarget(via);
  if (!target) return false;
  // The same socket answers, so that a NAT between lets it through.
  if (flow.protocol === 'UDP' && target.address === flow.remote.address && target.port === flow.remote.port)
    return flow.send(bytes);
  return (await open(target)).send(bytes);
}

function normal(address: string): string {
  return address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
}
