import { randomBytes } from 'node:crypto';
import { type AssistantId, type CredentialId, parseAssistantId } from '../../core/ids.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { type DigestAlgorithm, hashUser } from '../../protocols/digest/digest.ts';
import type { DigestClaim, DigestServer } from '../../protocols/digest/digest-server.ts';
import { type Header, headerOf, headersOf, type SipRequest } from '../../protocols/sip/message/message.ts';
import { parseSipUri } from '../../protocols/sip/message/sip-uri.ts';
import { type Flow, isReliable } from '../../protocols/sip/transport/flow.ts';
import { plainAddress } from './advertised-address.ts';
import { dialledNumber } from './announcement.ts';
import type { SipAssistant, SipDirectory, SipKey } from './ports.ts';
import type { SourceStanding } from './source-standing.ts';
import { TrunkList } from './trunk-list.ts';

export type AuthenticateParts = {
  readonly directory: SipDirectory;
  readonly digest: DigestServer;
  readonly realm: string;
  readonly standing: SourceStanding;
  readonly clock: Clock;
  /** The trunk that was told this user in a Contact of ours; null: nobody was. */
  readonly accountOf: (contactUser: string) => CredentialId | null;
};

/** `registration`: it came to the Contact that only the trunk was told. */
export type AcceptedBy = 'password' | 'digest' | 'trunk' | 'registration';

export type AuthVerdict =
  | { readonly type: 'accepted'; readonly assistant: SipAssistant; readonly by: AcceptedBy }
  | { readonly type: 'refused'; readonly status: 401 | 403; readonly headers: readonly Header[] };

/** Lists of keys are filled up to a multiple of this, so that an assistant nobody has costs what a usual one costs. */
const KEYS_STEP = 8;
/** Longer than it takes to read an assistant and unseal its keys: the time of an answer must not tell who exists. */
const REFUSE_AFTER_MS = 50;
const REMEMBERED_MS = 5_000;
const MOST_REMEMBERED = 1_000;

/**
 * Who calls, and whom: a password in the Request-URI or To, digest credentials (their user name is the assistant), or the address
 * of a trunk; else a challenge. An assistant nobody has and a wrong password go the same way and get the same answer.
 */
export class SipAuthenticator {
  readonly #parts: AuthenticateParts;
  readonly #trunks = new TrunkList();
  /** Fits no answer: nobody knows it. */
  readonly #decoy = randomBytes(32).toString('hex');
  readonly #found = new Map<AssistantId, { readonly assistant: SipAssistant; readonly untilMs: number }>();
  readonly #hashes = new WeakMap<SipKey, Map<string, string>>();

  constructor(parts: AuthenticateParts) {
    this.#parts = parts;
  }

  /** Wrong credentials are answered 50 ms after they came, whatever was looked up for them. @throws AppError database_unavailable. */
  async authenticate(request: SipRequest, flow: Flow): Promise<AuthVerdict> {
    const startedMs = this.#nowMs;
    const verdict = await this.#judge(request, flow);
    const wasWrong = dialStringOf(request) !== undefined || this.#credentialsOf(request) !== undefined;
    const waitMs = startedMs + REFUSE_AFTER_MS - this.#nowMs;
    if (verdict.type === 'refused' && wasWrong && waitMs > 0)
      await new Promise<void>((resolve) => this.#parts.clock.after(waitMs, resolve));
    return verdict;
  }

  async #judge(request: SipRequest, flow: Flow): Promise<AuthVerdict> {
    const { directory, standing, accountOf } = this.#parts;
    const { address } = flow.remote;
    const dialled = dialStringOf(request);
    if (dialled !== undefined) {
      const assistant = await this.#checkPassword(dialled);
      if (assistant) return this.#accept(assistant, 'password', address);
      standing.failed(address, isReliable(flow.protocol));
    }
    const credentials = this.#credentialsOf(request);
    if (credentials) return await this.#checkDigest(request, credentials, flow);
    const account = request.method === 'INVITE' ? accountOf(parseSipUri(request.uri)?.user ?? '') : null;
    if (account !== null) {
      const assistant = this.#trunks.ofAccount(await directory.trunks(), account, dialledNumber(request));
      if (assistant) return this.#accept(assistant, 'registration', address);
    }
    if (request.method === 'INVITE' && dialled === undefined) {
      const number = parseSipUri(request.uri)?.user ?? null;
      const trunk = this.#trunks.find(await directory.trunks(), plainAddress(address), number);
      if (trunk) return this.#accept(trunk, 'trunk', address);
    }
    return this.#challenge(request, address, false);
  }

  get #nowMs(): number {
    return this.#parts.clock.nowMs();
  }

  #accept(assistant: SipAssistant, by: AcceptedBy, address: string): AuthVerdict {
    this.#parts.standing.succeeded(address);
    return { type: 'accepted', assistant, by };
  }

  /** Both questions are asked whatever the first one says. */
  async #checkPassword({ id, password }: DialString): Promise<SipAssistant | null> {
    const { directory } = this.#parts;
    const [assistant, projectId] = await Promise.all([this.#find(id), directory.projectOfKey(password)]);
    return assistant !== null && projectId === assistant.projectId ? assistant : null;
  }

  async #checkDigest(request: SipRequest, { claim, header }: Credentials, flow: Flow): Promise<AuthVerdict> {
    const { digest, standing, clock } = this.#parts;
    const { address } = flow.remote;
    const assistant = await this.#find(claim.username);
    const keys = assistant === null ? [] : await this.#parts.directory.keysOf(assistant.projectId);
    const nowMs = clock.date().getTime();
    const asked = { method: request.method, header, source: address, nowMs };
    const verdict = digest.verify(asked, this.#candidates(keys, claim));
    if (verdict.type === 'accepted' && assistant && verdict.index < keys.length)
      return this.#accept(assistant, 'digest', address);
    if (verdict.type === 'refused') standing.failed(address, verdict.isOurNonce || isReliable(flow.protocol));
    return this.#challenge(request, address, verdict.type === 'stale');
  }

  #candidates(keys: readonly SipKey[], claim: DigestClaim): string[] {
    const size = Math.max(1, Math.ceil(keys.length / KEYS_STEP)) * KEYS_STEP;
    const hashes = keys.map((key) => this.#hashOf(key, claim));
    while (hashes.length < size) hashes.push(this.#decoy);
    return hashes;
  }

  #hashOf(key: SipKey, { algorithm, username }: DigestClaim): string {
    const known = this.#hashes.get(key) ?? new Map<string, string>();
    this.#hashes.set(key, known);
    const name = `${baseOf(algorithm)} ${username}`;
    const hash = known.get(name) ?? hashUser(algorithm, username, this.#parts.realm, key.key.expose());
    known.set(name, hash);
    return hash;
  }

  /** Only whether it exists is remembered, for a few seconds: opening the call reads it anew. */
  async #find(id: string): Promise<SipAssistant | null> {
    const assistantId: AssistantId | null = parseAssistantId(id);
    if (assistantId === null) return null;
    const known = this.#found.get(assistantId);
    if (known && this.#nowMs < known.untilMs) return known.assistant;
    const assistant = await this.#parts.directory.findAssistant(assistantId);
    this.#found.delete(assistantId);
    if (assistant) this.#found.set(assistantId, { assistant, untilMs: this.#nowMs + REMEMBERED_MS });
    const [oldest] = this.#found.keys();
    if (this.#found.size > MOST_REMEMBERED && oldest !== undefined) this.#found.delete(oldest);
    return assistant;
  }

  /** The first header for our realm; others are for proxies on the way. */
  #credentialsOf(request: SipRequest): Credentials | undefined {
    for (const name of ['Authorization', 'Proxy-Authorization']) {
      for (const header of headersOf(request, name)) {
        const claim = this.#parts.digest.claim(header);
        if (claim) return { claim, header };
      }
    }
    return undefined;
  }

  /** 401; for a source that has failed often, 403 without another try. */
  #challenge(request: SipRequest, address: string, isStale: boolean): AuthVerdict {
    const { digest, standing, clock } = this.#parts;
    if (standing.patience(address) !== 'challenge') return { type: 'refused', status: 403, headers: [] };
    const nowMs = clock.date().getTime();
    const challenges = digest.challenge({
      source: address,
      nowMs,
      isStale,
      userAgent: headerOf(request, 'User-Agent'),
    });
    return {
      type: 'refused',
      status: 401,
      headers: challenges.map((value) => ({ name: 'WWW-Authenticate', value })),
    };
  }
}

type Credentials = { readonly claim: DigestClaim; readonly header: string };
type DialString = { readonly id: string; readonly password: string };

/** `sip:{assistantId}:{apiKey}@host` in the Request-URI, else in To. */
function dialStringOf(request: SipRequest): DialString | undefined {
  for (const text of [request.uri, request.to.uri]) {
    const uri = parseSipUri(text);
    if (uri?.user !== undefined && uri.password) return { id: uri.user, password: uri.password };
  }
  return undefined;
}

function baseOf(algorithm: DigestAlgorithm): string {
  return algorithm.startsWith('MD5') ? 'MD5' : 'SHA-256';
}
