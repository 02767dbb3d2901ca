import { isIPv4 } from 'node:net';
import type { Libc } from '../../native/libc.ts';
import type { Endpoint } from './datagram-sink.ts';

/** Linux's numbers (bits/socket.h). */
export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;
/** Room for either kind, in 32-bit words. */
export const ADDRESS_WORDS = 7;

const IPV4 = { bytes: 16, at: 4 };
const IPV6 = { bytes: 28, at: 8 };
const MAPPED = '::ffff:';
const LONGEST_TEXT = 46;

/**
 * An endpoint as `struct sockaddr_in` or `sockaddr_in6` (ip(7), ipv6(7)) for a socket of that family, of which INET6 takes IPv4
 * as `::ffff:a.b.c.d`; null where it cannot be sent to.
 */
export function writeAddress(libc: Libc, { address, port }: Endpoint, family: number): Uint8Array | null {
  if (port < 0 || port > 65_535) return null;
  const { bytes, at } = family === AF_INET6 ? IPV6 : IPV4;
  const made = Buffer.alloc(bytes);
  made.writeUInt16LE(family, 0);
  made.writeUInt16BE(port, 2);
  const text = family === AF_INET6 && isIPv4(address) ? MAPPED + address : address;
  return libc.inet_pton(family, text, made.subarray(at)) === 1 ? made : null;
}

/** What `recvfrom` wrote; an IPv4 address in IPv6 clothes comes without them. */
export function readAddress(libc: Libc, words: Int32Array): Endpoint {
  const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
  const family = bytes.readUInt16LE(0);
  const { at } = family === AF_INET6 ? IPV6 : IPV4;
  const text = libc.inet_ntop(family, bytes.subarray(at), Buffer.alloc(LONGEST_TEXT), LONGEST_TEXT) ?? '';
  const address = text.startsWith(MAPPED) && isIPv4(text.slice(MAPPED.length)) ? text.slice(MAPPED.length) : text;
  return { address, port: bytes.readUInt16BE(2) };
}
