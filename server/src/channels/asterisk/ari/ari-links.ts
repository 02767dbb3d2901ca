import type { OpenCredential } from '../../../core/credential/credential.ts';
import type { CredentialId } from '../../../core/ids.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { EventLog } from '../../../core/ports/event-log.ts';
import type { Metrics } from '../../../core/ports/metrics.ts';
import type { Random } from '../../../core/ports/random.ts';
import { AriClient, type AriCredential } from './ari-client.ts';
import type { AriEvent } from './ari-event.ts';
import { AriLink } from './ari-link.ts';

export type AriLinksParts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** A link and what we know of whose it is. */
export type HeldLink = {
  readonly link: AriLink;
  /** Several projects may have an account at the same Asterisk. */
  readonly credentialIds: ReadonlySet<CredentialId>;
};

export interface AriLinksListener {
  event(held: HeldLink, event: AriEvent): void;
  opened(held: HeldLink): void;
}

/** A call that was placed rings and a transfer dials for less than that: until then the link of its account stays. */
const KEPT_UNUSED_MS = 600_000;

/** Every other is a call that goes on. */
const OWN_LISTENERS = 1;

type Entry = { readonly link: AriLink; readonly credentialIds: Set<CredentialId>; usedMs: number };

/** The event streams of this process: one for each Asterisk and user, however many credentials name it. */
export class AriLinks implements Disposable {
  readonly #parts: AriLinksParts;
  readonly #entries = new Map<string, Entry>();
  readonly #application: string;
  #listener: AriLinksListener | null = null;
  #isClosed = false;

  constructor(parts: AriLinksParts) {
    this.#parts = parts;
    this.#application = `assistant-api-${parts.random.uuid()}`;
  }

  /** Takes the one listener, for all links. */
  listen(listener: AriLinksListener): void {
    this.#listener = listener;
  }

  /** The link of an account, opened where there is none yet. */
  open(credential: OpenCredential): AriLink {
    const account = accountOf(credential);
    const key = JSON.stringify(account);
    const entry = this.#entries.get(key) ?? this.#begin(key, account);
    entry.credentialIds.add(credential.id);
    entry.usedMs = this.#parts.clock.nowMs();
    return entry.link;
  }

  /** Opens the links of these accounts and closes others that were not used for long. */
  keep(credentials: readonly OpenCredential[]): void {
    for (const credential of credentials) this.open(credential);
    const eldestMs = this.#parts.clock.nowMs() - KEPT_UNUSED_MS;
    for (const [key, { link, usedMs }] of this.#entries) {
      if (usedMs > eldestMs || link.listenerCount > OWN_LISTENERS) continue;
      link.close();
      this.#entries.delete(key);
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const { link } of this.#entries.values()) link.close();
    this.#entries.clear();
  }

  #begin(key: string, account: AriCredential): Entry {
    const { clock, log, metrics } = this.#parts;
    const link = new AriLink({
      client: new AriClient(account),
      application: this.#application,
      address: hostOf(account.ari_url),
      clock,
      log,
      metrics,
    });
    const entry: Entry = { link, credentialIds: new Set(), usedMs: clock.nowMs() };
    link.subscribe({
      event: (event) => this.#listener?.event(entry, event),
      opened: () => this.#listener?.opened(entry),
    });
    if (this.#isClosed) link.close();
    else this.#entries.set(key, entry);
    return entry;
  }
}

export function accountOf(credential: OpenCredential): AriCredential {
  return {
    ari_url: credential.text('ari_url') ?? '',
    ari_user: credential.text('ari_user') ?? '',
    ari_password: credential.text('ari_password') ?? '',
  };
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? 'an unusable address';
}
