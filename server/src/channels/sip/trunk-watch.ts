import type { OpenCredential } from '../../core/credential/credential.ts';
import type { CredentialId } from '../../core/ids.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import type { Probe, ProbeOptions } from '../../protocols/sip/uac/probe.ts';
import { trunkUri } from './outbound-route.ts';
import type { SipDirectory } from './ports.ts';

export type TrunkWatchParts = {
  readonly probe: (options: ProbeOptions) => Probe;
  readonly directory: Pick<SipDirectory, 'accounts'>;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Which trunks there are is looked at this often. */
const LOOK_EVERY_MS = 30_000;

type Watched = { readonly probe: Probe; readonly target: string; isUp: boolean | null };

/** Asks trunks with `qualify` each minute whether they are there: a gauge, and a log line when it changes. Each node for itself. */
export class TrunkWatch {
  readonly #parts: TrunkWatchParts;
  readonly #watched = new Map<CredentialId, Watched>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(parts: TrunkWatchParts) {
    this.#parts = parts;
  }

  /** Looks for the first time, and from then on every 30 s. Never rejects. */
  async start(): Promise<void> {
    await this.#look();
    if (!this.#isStopped) this.#timer = this.#parts.clock.after(LOOK_EVERY_MS, () => void this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    for (const { probe } of this.#watched.values()) probe.close();
    this.#watched.clear();
  }

  /** Without the database everything stays as it is. */
  async #look(): Promise<void> {
    try {
      const accounts = await this.#parts.directory.accounts('qualify');
      if (this.#isStopped) return;
      const targets = new Map(accounts.map((account) => [account.id, trunkUri(account)]));
      for (const [id, { probe, target }] of this.#watched) {
        if (targets.get(id) === target) continue;
        probe.close();
        this.#watched.delete(id);
      }
      for (const account of accounts) if (!this.#watched.has(account.id)) this.#watch(account);
      this.#count();
    } catch (error) {
      this.#parts.log.warn('sip.trunks_not_read', { reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #watch(account: OpenCredential): void {
    const { id } = account;
    const target = trunkUri(account);
    const from = trunkUri(account, account.text('username') ?? 'ping');
    const probe = this.#parts.probe({ target, from, changed: (isUp) => this.#changed(id, isUp) });
    this.#watched.set(id, { probe, target, isUp: null });
  }

  #changed(credentialId: CredentialId, isUp: boolean): void {
    const watched = this.#watched.get(credentialId);
    if (!watched) return;
    watched.isUp = isUp;
    if (isUp) this.#parts.log.info('sip.trunk_up', { credentialId });
    else this.#parts.log.warn('sip.trunk_down', { credentialId });
    this.#count();
  }

  #count(): void {
    const all = [...this.#watched.values()];
    for (const [state, isUp] of [['up', true] as const, ['down', false] as const])
      this.#parts.metrics.gauge('sip_trunks', all.filter((each) => each.isUp === isUp).length, { state });
  }
}
