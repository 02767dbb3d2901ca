import { hash as digestOf } from 'node:crypto';

/** HTTP digest as SIP uses it (RFC 8760, RFC 7616, RFC 3261 section 22): the arithmetic both sides share. */

export const DIGEST_ALGORITHMS = ['MD5', 'SHA-256', 'MD5-sess', 'SHA-256-sess'] as const;
export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number];

/** Everything a response is computed from, but the secret. `qop` undefined is the older form of RFC 2069. */
export type DigestInput = {
  readonly algorithm: DigestAlgorithm;
  readonly nonce: string;
  readonly method: string;
  /** The `uri` parameter as it stands in the header, which need not be the Request-URI. */
  readonly uri: string;
  readonly qop?: 'auth';
  /** Eight hex digits. */
  readonly nc?: string;
  readonly cnonce?: string;
};

/** HA1 = H(username:realm:password): as good as the password, so it is kept as secretly. Lower-case hex. */
export function hashUser(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hash(algorithm, `${username}:${realm}:${password}`);
}

/** The `response` parameter (RFC 7616, 3.4.1) for an HA1. */
export function computeResponse(ha1: string, input: DigestInput): string {
  return responseComputer(input)(ha1);
}

/** The same for many HA1s: what does not depend on the secret is computed once. */
export function responseComputer(input: DigestInput): (ha1: string) => string {
  const { algorithm, nonce, method, uri, qop, nc = '', cnonce = '' } = input;
  const ha2 = hash(algorithm, `${method}:${uri}`);
  const middle = qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`;
  const isSession = algorithm.endsWith('-sess');
  return (ha1) => {
    const sessionHa1 = isSession ? hash(algorithm, `${ha1}:${nonce}:${cnonce}`) : ha1;
    return hash(algorithm, `${sessionHa1}:${middle}:${ha2}`);
  };
}

/** The algorithm a header names, in any case; MD5 where it names none (RFC 7616, 3.3). */
export function parseAlgorithm(name: string | undefined): DigestAlgorithm | undefined {
  return DIGEST_ALGORITHMS.find((algorithm) => algorithm.toLowerCase() === (name ?? 'MD5').toLowerCase());
}

function hash(algorithm: DigestAlgorithm, text: string): string {
  return digestOf(algorithm.startsWith('MD5') ? 'md5' : 'sha256', text, 'hex');
}
