import { createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { parseDigestHeader, printDigestHeader } from './auth-header.ts';
import { type DigestAlgorithm, type DigestInput, parseAlgorithm, responseComputer } from './digest.ts';
import { checkNonce, createNonce, NonceCounts } from './nonce.ts';

export type DigestServerOptions = {
  readonly realm: string;
  /** Signs nonces; the same on every node. At least 16 bytes. */
  readonly key: Uint8Array;
  /** Random bytes for a nonce. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly maxNonces?: number;
};

/**
 * The algorithms to offer a client by its User-Agent. NOTE: baresip 1.0.0 (Debian 12, libre below 2) gives the whole call up when
 * any of several challenges names an algorithm it does not know, though MD5 stands first (seen 2026-11).
 */
export function algorithmsFor(userAgent: string | undefined): readonly ('MD5' | 'SHA-256')[] {
  return /^baresip v[01]\./i.test(userAgent ?? '') ? ['MD5'] : ['MD5', 'SHA-256'];
}

/** What a client claims with its credentials, before anybody has checked the secret. */
export type DigestClaim = { readonly username: string; readonly algorithm: DigestAlgorithm };

export type DigestChallengeInput = {
  readonly source: string;
  readonly nowMs: number;
  /** The credentials were right, their nonce was not: the client tries again by itself. */
  readonly isStale?: boolean;
  readonly userAgent?: string | undefined;
};

export type DigestVerdict =
  /** `index` is the HA1 that fits. */
  | { readonly type: 'accepted'; readonly index: number }
  /** Right credentials with an old or repeated nonce: challenge again with `stale`, the client tries by itself. */
  | { readonly type: 'stale' }
  /** `isOurNonce`: we gave it to this source, however long ago, so the sender has had our challenge. */
  | { readonly type: 'refused'; readonly isOurNonce: boolean };

export type DigestRequest = {
  readonly method: string;
  /** The value of Authorization or Proxy-Authorization. */
  readonly header: string;
  /** Whom nonces are bound to: the sender's address. */
  readonly source: string;
  readonly nowMs: number;
};

/** The server's side of digest authentication (RFC 8760): challenges and checks, for any list of candidate secrets. */
export class DigestServer {
  readonly #options: DigestServerOptions;
  readonly #key: KeyObject;
  readonly #counts: NonceCounts;

  constructor(options: DigestServerOptions) {
    this.#options = options;
    this.#key = createSecretKey(options.key);
    this.#counts = new NonceCounts(options.maxNonces);
  }

  /** The values of WWW-Authenticate (or Proxy-Authenticate), one header for each algorithm (RFC 8760, 2.4), all with one nonce. MD5 stands first: some know no other. */
  challenge(input: DigestChallengeInput): string[] {
    const { realm, randomBytes } = this.#options;
    const nonce = createNonce(this.#key, { nowMs: input.nowMs, source: input.source, salt: randomBytes(6) });
    const stale = input.isStale ? 'true' : undefined;
    return algorithmsFor(input.userAgent).map((algorithm) =>
      printDigestHeader({ realm, nonce, stale, algorithm, qop: 'auth' }, ['stale', 'algorithm']),
    );
  }

  /** Who claims to be there; undefined when the header is no digest for this realm that we can check. */
  claim(header: string): DigestClaim | undefined {
    const params = parseDigestHeader(header);
    const username = params?.get('username');
    const algorithm = parseAlgorithm(params?.get('algorithm'));
    return username && algorithm && params?.get('realm') === this.#options.realm ? { username, algorithm } : undefined;
  }

  /**
   * Checks a response against every candidate HA1 (of the claim's algorithm), always all of them, in constant time each. The nonce
   * is checked last: a replayed or old one is `stale` only for who knows a secret.
   */
  verify(request: DigestRequest, candidates: readonly string[]): DigestVerdict {
    const params = parseDigestHeader(request.header);
    const input = params && this.#inputOf(params, request.method);
    const response = Buffer.from(params?.get('response')?.toLowerCase() ?? '');
    if (!input) return { type: 'refused', isOurNonce: false };
    const index = findMatch(response, candidates, input);
    const nonce = checkNonce(this.#key, input.nonce, request);
    if (index < 0) return { type: 'refused', isOurNonce: nonce !== 'forged' };
    if (nonce === 'forged') return { type: 'stale' };
    const count = Number.parseInt(input.nc ?? '1', 16);
    if (nonce === 'stale' || !this.#counts.accept(input.nonce, count)) return { type: 'stale' };
    return { type: 'accepted', index };
  }

  /** auth-int is not offered and not taken; nc and cnonce must be there with qop (RFC 7616, 3.4). */
  #inputOf(params: ReadonlyMap<string, string>, method: string): DigestInput | undefined {
    const algorithm = parseAlgorithm(params.get('algorithm'));
    const [nonce, uri, nc, cnonce] = ['nonce', 'uri', 'nc', 'cnonce'].map((name) => params.get(name));
    const qop = params.get('qop')?.toLowerCase();
    if (!algorithm || !nonce || !uri || params.get('realm') !== this.#options.realm) return undefined;
    if (qop === undefined) return algorithm.endsWith('-sess') ? undefined : { algorithm, nonce, method, uri };
    if (qop !== 'auth' || !nc || !cnonce || !/^[0-9a-fA-F]{8}$/.test(nc)) return undefined;
    return { algorithm, nonce, method, uri, qop, nc, cnonce };
  }
}

function findMatch(response: Buffer, candidates: readonly string[], input: DigestInput): number {
  const responseOf = responseComputer(input);
  let found = -1;
  for (const [index, ha1] of candidates.entries()) {
    const expected = Buffer.from(responseOf(ha1));
    const isEqual = expected.length === response.length && timingSafeEqual(expected, response);
    if (isEqual && found < 0) found = index;
  }
  return found;
}
