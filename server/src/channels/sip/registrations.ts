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
  state: RegistrationState['type'] | 'asked';
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
  get states(): ReadonlyMap<CredentialId, Kept['state']> {
    return new Map(Array.from(this.#kept, ([id, { state }]) => [id, state]));
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
      for (const account of mine) if (!this.#kept.has(account.id)) await this.#keep(account);
      this.#count();
    } catch (error) {
      log.warn('sip.accounts_not_read', { reason: error instanceof Error ? error.message : String(error) });
    }
  }

  async #keep(account: OpenCredential): Promise<void> {
    const { line, log, random } = this.#parts;
    const { id } = account;
    const registrar = trunkUri(account);
    const username = account.text('username');
    if (username === null) return log.warn('sip.not_registered', { credentialId: id, detail: 'it has no username' });
    try {
      await line.addressFor(registrar);
    } catch {
      return log.warn('sip.not_registered', { credentialId: id, detail: 'its host leads nowhere' });
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
    this.#kept.set(id, { registration, fingerprint: fingerprintOf(account), state: 'asked' });
  }

  #changed(id: CredentialId, registration: Registration, state: RegistrationState): void {
    const { log, metrics } = this.#parts;
    if (state.type === 'removed') this.#leaving.delete(registration);
    metrics.count('sip_registrations_total', { outcome: state.type });
    const kept = this.#kept.get(id);
    if (state.type === 'failed') log.warn('sip.not_registered', { credentialId: id, status: state.status });
    else if (state.type === 'removed' || kept?.state !== state.type)
      log.info(`sip.${state.type}`, { credentialId: id });
    if (kept?.registration === registration) kept.state = state.type;
    this.#count();
  }

  #drop(id: CredentialId): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    this.#kept.delete(id);
    for (const [user, credentialId] of this.#credentialOf) if (credentialId === id) this.#credentialOf.delete(user);
    this.#leaving.add(kept.registration);
    kept.registration.remove();
    this.#count();
  }

  #count(): void {
    const states = [...this.#kept.values()].map(({ state }) => state);
    for (const state of ['registered', 'failed'] as const)
      this.#parts.metrics.gauge('sip_registrations', states.filter((each) => each === state).length, { state });
  }
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
