import type { Header } from '../message/message.ts';
import { type NameAddress, printNameAddress } from '../message/name-address.ts';
import { parseSipUri, printSipUri } from '../message/sip-uri.ts';

/** Where a request is addressed and sent: its Request-URI, its Route headers, and the URI whose host gets it. */
export type Routing = { readonly uri: string; readonly routes: readonly Header[]; readonly nextHop: string };

/**
 * Applies a route set (RFC 3261, 12.2.1.1). A first hop with `lr` is a loose router: the target stays in the Request-URI. Without
 * it a strict router: its URI becomes the Request-URI and the target goes to the end of Route.
 */
export function applyRouteSet(target: string, routeSet: readonly NameAddress[]): Routing {
  const [first, ...rest] = routeSet;
  if (!first) return { uri: target, routes: [], nextHop: target };
  const firstUri = parseSipUri(first.uri);
  if (!firstUri || firstUri.params.has('lr'))
    return { uri: target, routes: routeSet.map(toHeader), nextHop: first.uri };
  const { headers: _, ...strict } = firstUri;
  const params = new Map([...strict.params].filter(([name]) => name !== 'method'));
  const routes = [...rest, { uri: target, params: new Map() }];
  return { uri: printSipUri({ ...strict, params }), routes: routes.map(toHeader), nextHop: first.uri };
}

function toHeader(route: NameAddress): Header {
  return { name: 'Route', value: printNameAddress(route) };
}
