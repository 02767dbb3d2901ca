import { createHash } from 'node:crypto';
import type { OpenCredential } from '../../core/credential/credential.ts';
import type { CredentialId } from '../../core/ids.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import type { Random } from '../../core/ports/random.ts';
import { randomToken } from '../../protocols/sip/environment.ts';
import type { Registration, RegistrationOptions, RegistrationState } from '../../protocols/sip/uac/registration.ts';
import type { SipLine } from './outbound-leg.ts';
import { wordsOf } from './outbound-refusal.ts';
import { trunkRoute, trunkUri } from './outbound-route.ts';
import type { SipDirectory, SipNodes } from './ports.ts';

export type RegistrationParts = {
  readonly line: Pick<SipLine, 'addressFor'> & { register(options: RegistrationOptions): Registration };
  readonly directory: Pick<SipDirectory, 'accounts'>;
  readonly nodes: SipNodes;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Which accounts there are, and whose they are, is looked at this often. */
const LOOK_EVERY_MS = 15_000;

type Kept = {
  readonly registration: Registration;
  /** Of what the account says: another one is registered anew. */
  readonly fingerprint: string;
};

/** How an account that is this node's stands, and since when (Clock.nowMs). `reason`: why it is not registered. */
export type Standing = {
  readonly state: 'asked' | 'registered' | 'failed';
  readonly sinceMs: number;
  readonly reason: string | null;
};

/**
 * Keeps our accounts at trunks registered, each by one node: the live one that a hash of both ranks first. Two contacts of one
 * account would ring both nodes with every call, and many registrars keep only one. A node that goes un-registers; of one that
 * dies the next takes over within 30 s, and the registrar replaces the contact or lets it run out.
 */
export class Registrations {
  readonly #parts: RegistrationParts;
  readonly #kept = new Map<CredentialId, Kept>();
  /** By the user of our Contact, which nobody else is told: a call to it comes from there. */
  readonly #credentialOf = new Map<string, CredentialId>();
  readonly #standing = new Map<CredentialId, Standing>();
  readonly #leaving = new Set<Registration>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  /** Looks for the first time, and from then on every 15 s. */
  async start(): Promise<void> {
    await this.#look();
    if (!this.#isStopped) this.#timer = this.#parts.clock.after(LOOK_EVERY_MS, () => void this.start());
  }

  /** The trunk that a call to this Contact comes from. */
  credentialOf(contactUser: string): CredentialId | null {
    return this.#credentialOf.get(contactUser) ?? null;
  }

  /** How each account stands, for whoever asks. */
  get standing(): ReadonlyMap<CredentialId, Standing> {
    return this.#standing;
  }

  /** Whether a registrar has not confirmed yet that we are gone. */
  get isLeaving(): boolean {
    return this.#leaving.size > 0;
  }

  /** Takes all back: the drain of a node. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    for (const id of [...this.#kept.keys()]) this.#drop(id);
  }

  /** Never throws: without the database everything stays as it is. */
  async #look(): Promise<void> {
    const { directory, nodes, log } = this.#parts;
    try {
      const [accounts, alive] = await Promise.all([directory.accounts('register'), nodes.alive()]);
      if (this.#isStopped) return;
      const mine = accounts.filter(({ id }) => ownerOf(id, alive) === nodes.own);
      const byId = new Map(mine.map((account) => [account.id, account]));
      for (const [id, { fingerprint }] of [...this.#kept]) {
        const account = byId.get(id);
        if (!account || fingerprintOf(account) !== fingerprint) this.#drop(id);
      }
      for (const id of [...this.#standing.keys()]) if (!byId.has(id)) this.#standing.delete(id);
      for (const account of mine) if (!this.#kept.has(account.id)) await this.#keep(account);
      this.#count();
    } catch (error) {
      log.warn('sip.accounts_not_read', { reason: error instanceof Error ? error.message : String(error) });
    }
  }

  async #keep(account: OpenCredential): Promise<void> {
    const { line, random } = this.#parts;
    const { id } = account;
    const registrar = trunkUri(account);
    const username = account.text('username');
    if (username === null) return this.#stand(id, 'failed', 'it has no username');
    try {
      await line.addressFor(registrar);
    } catch {
      return this.#stand(id, 'failed', 'its host leads nowhere');
    }
    if (this.#isStopped) return;
    const { from, credentials } = trunkRoute(account, { to: username, from: username }, (count) => random.bytes(count));
    const contactUser = contactUserOf(randomToken(random));
    this.#credentialOf.set(contactUser, id);
    const registration = line.register({
      registrar,
      aor: from.uri,
      contactUser,
      ...(credentials ? { credentials } : {}),
      changed: (state) => this.#changed(id, registration, state),
    });
    this.#kept.set(id, { registration, fingerprint: fingerprintOf(account) });
    this.#stand(id, 'asked', null);
  }

  #changed(id: CredentialId, registration: Registration, state: RegistrationState): void {
    const { log, metrics } = this.#parts;
    metrics.count('sip_registrations_total', { outcome: state.type });
    if (state.type === 'removed') {
      this.#leaving.delete(registration);
      log.info('sip.removed', { credentialId: id });
    }
    if (this.#kept.get(id)?.registration !== registration) return;
    if (state.type === 'registered') this.#stand(id, 'registered', null);
    if (state.type === 'failed') this.#stand(id, 'failed', reasonOf(state.status));
  }

  /** A change is a line of the log: that it failed, and why; and that it is there, and how long it was not. */
  #stand(id: CredentialId, state: Standing['state'], reason: string | null): void {
    const { log, clock } = this.#parts;
    const before = this.#standing.get(id);
    const nowMs = clock.nowMs();
    const hasFailed = before?.state === 'failed';
    // Another try of one that fails is no change, and another reason does not make it younger.
    if (state === 'asked' && hasFailed) return;
    const isSame = before?.state === state;
    this.#standing.set(id, { state, reason, sinceMs: isSame ? before.sinceMs : nowMs });
    if (isSame && before.reason === reason) return;
    if (state === 'failed') log.warn('sip.not_registered', { credentialId: id, reason });
    if (state === 'registered')
      log.info('sip.registered', {
        credentialId: id,
        ...(hasFailed && { failedSeconds: Math.round((nowMs - before.sinceMs) / 1000) }),
      });
    this.#count();
  }

  #drop(id: CredentialId): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    this.#kept.delete(id);
    for (const [user, credentialId] of this.#credentialOf) if (credentialId === id) this.#credentialOf.delete(user);
    this.#standing.delete(id);
    this.#leaving.add(kept.registration);
    kept.registration.remove();
    this.#count();
  }

  #count(): void {
    const { metrics, clock } = this.#parts;
    const all = [...this.#standing.values()];
    for (const state of ['registered', 'failed'] as const)
      metrics.gauge('sip_registrations', all.filter((each) => each.state === state).length, { state });
    const failing = all.filter(({ state }) => state === 'failed').map(({ sinceMs }) => sinceMs);
    const eldestMs = failing.length === 0 ? 0 : clock.nowMs() - Math.min(...failing);
    metrics.gauge('sip_registration_failing_seconds', eldestMs / 1000);
  }
}

/** Silence and a server that cannot be reached are told as statuses, too (RFC 3261, 8.1.3.1). */
function reasonOf(status: number): string {
  if (status === 408) return 'it does not answer (408)';
  return status === 503 ? 'it cannot be reached, or serves nobody now (503)' : wordsOf(status);
}

/** The user of a Contact of ours at a trunk. */
export const CONTACT_USER = /^line-[0-9a-f]{24}$/;

function contactUserOf(token: string): string {
  return `line-${token}`;
}

/** The node whose hash with the account is the highest (rendezvous hashing): when one goes, only its accounts move. */
export function ownerOf<Node extends string>(credentialId: CredentialId, alive: readonly Node[]): Node | null {
  const rank = (node: Node) => createHash('sha256').update(`${credentialId} ${node}`).digest('hex');
  return alive.toSorted((a, b) => (rank(a) < rank(b) ? 1 : -1))[0] ?? null;
}

function fingerprintOf(account: OpenCredential): string {
  const values = ['host', 'port', 'transport', 'username', 'password', 'realm'].map((key) => account.text(key));
  return createHash('sha256').update(JSON.stringify(values)).digest('hex');
}
