/** Where an address of the public Internet is found, and the host name that stands in the request. */
export type Reach = (url: string) => { readonly address: URL; readonly host: string };

/** Takes addresses as they are. */
export const directly: Reach = (url) => ({ address: new URL(url), host: new URL(url).host });

/**
 * What a proxy in front of the server does: whatever the public host is, requests go to `origin` (http://host:port) with the
 * path, the query and the Host header they had.
 */
export function through(origin: string): Reach {
  const { protocol, host: realHost } = new URL(origin);
  const socketProtocol = protocol === 'https:' ? 'wss:' : 'ws:';
  return (url) => {
    const { protocol: askedProtocol, host, pathname, search } = new URL(url);
    const scheme = /^wss?:$/.test(askedProtocol) ? socketProtocol : protocol;
    return { address: new URL(`${scheme}//${realHost}${pathname}${search}`), host };
  };
}
