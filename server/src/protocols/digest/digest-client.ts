import { parseDigestHeader, printDigestHeader } from './auth-header.ts';
import { computeResponse, type DigestAlgorithm, hashUser, parseAlgorithm } from './digest.ts';

export type DigestCredentials = {
  readonly username: string;
  readonly password: string;
  /** Answers only this realm; default: any. */
  readonly realm?: string;
};

const STRENGTH: readonly DigestAlgorithm[] = ['SHA-256', 'SHA-256-sess', 'MD5', 'MD5-sess'];

/**
 * The client's side (RFC 7616, 3.4; RFC 8760, 2.4): answers the challenges of a 401 or 407. Of several for one realm the strongest
 * is taken; `auth-int` only and unknown algorithms are passed over. A nonce met again counts on (nc 2, 3 ...), unless the server
 * refused our answer to it: then the password is wrong and no answer is given.
 */
export class DigestClient {
  readonly #credentials: DigestCredentials;
  readonly #randomBytes: (count: number) => Uint8Array;
  readonly #counts = new Map<string, number>();

  constructor(credentials: DigestCredentials, randomBytes: (count: number) => Uint8Array) {
    this.#credentials = credentials;
    this.#randomBytes = randomBytes;
  }

  /** The values of Authorization, one for each realm that challenged; empty when none can be met. `previous` is what was sent. */
  answer(
    challenges: readonly string[],
    request: { readonly method: string; readonly uri: string },
    previous: readonly string[] = [],
  ): string[] {
    const byRealm = new Map<string, { params: ReadonlyMap<string, string>; algorithm: DigestAlgorithm }>();
    for (const challenge of challenges) {
      const params = parseDigestHeader(challenge);
      const algorithm = params && parseAlgorithm(params.get('algorithm'));
      const realm = params?.get('realm');
      if (!params || !algorithm || realm === undefined || !isAnswerable(params)) continue;
      if (this.#credentials.realm !== undefined && this.#credentials.realm !== realm) continue;
      const best = byRealm.get(realm);
      if (!best || STRENGTH.indexOf(algorithm) < STRENGTH.indexOf(best.algorithm))
        byRealm.set(realm, { params, algorithm });
    }
    const sent = previous.map((header) => parseDigestHeader(header)?.get('nonce'));
    const answers: string[] = [];
    for (const [realm, { params, algorithm }] of byRealm) {
      const isRefused = sent.length > 0 && params.get('stale')?.toLowerCase() !== 'true';
      // A second challenge without stale says that our password is wrong (RFC 3261, 22.2).
      if (isRefused && sent.some((nonce) => nonce !== undefined)) continue;
      answers.push(this.#respond(realm, params, { algorithm, ...request }));
    }
    return answers;
  }

  #respond(
    realm: string,
    params: ReadonlyMap<string, string>,
    request: { algorithm: DigestAlgorithm; method: string; uri: string },
  ): string {
    const { username, password } = this.#credentials;
    const { algorithm, method, uri } = request;
    const nonce = params.get('nonce') ?? '';
    const hasQop = params.has('qop');
    const count = (this.#counts.get(nonce) ?? 0) + 1;
    this.#counts.clear();
    this.#counts.set(nonce, count);
    const nc = count.toString(16).padStart(8, '0');
    const cnonce = Buffer.from(this.#randomBytes(8)).toString('hex');
    const counted = hasQop ? ({ qop: 'auth', nc, cnonce } as const) : {};
    const response = computeResponse(hashUser(algorithm, username, realm, password), {
      algorithm,
      nonce,
      method,
      uri,
      ...counted,
    });
    return printDigestHeader(
      {
        username,
        realm,
        nonce,
        uri,
        response,
        algorithm: params.get('algorithm'),
        opaque: params.get('opaque'),
        ...counted,
      },
      ['algorithm', 'qop', 'nc'],
    );
  }
}

function isAnswerable(params: ReadonlyMap<string, string>): boolean {
  const qop = params.get('qop');
  return (
    params.has('nonce') &&
    (qop === undefined || qop.split(',').some((option) => option.trim().toLowerCase() === 'auth'))
  );
}
