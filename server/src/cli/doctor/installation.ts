import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { type Storage, visitStorage } from '../../storage/open-storage.ts';
import type { Envelope } from '../../vault/envelope.ts';
import { INSTALLATION_SECRET, installationId } from '../../vault/installation-id.ts';
import { openSecretBox } from '../../vault/open-secret-box.ts';
import type { DoctorWorld } from './topic.ts';

/** The doctor prints findings; what the rooms would log meanwhile is left out. */
export const QUIET: EventLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => QUIET,
};

export const UNCOUNTED: Metrics = { count: () => undefined, observe: () => undefined, gauge: () => undefined };

/** What several checks look at, each part opened once, when the first of them needs it. */
export class Installation {
  readonly #world: Pick<DoctorWorld, 'config' | 'secrets'>;
  readonly #stack: AsyncDisposableStack;
  #storage: Promise<Storage | null> | null = null;

  /** @param stack closes what was opened. */
  constructor(world: Pick<DoctorWorld, 'config' | 'secrets'>, stack: AsyncDisposableStack) {
    this.#world = world;
    this.#stack = stack;
  }

  /** Null: there is no database yet. @throws AppError where it is not reached, the same each time. */
  storage(): Promise<Storage | null> {
    this.#storage ??= this.#open();
    return this.#storage;
  }

  /** Null before the first start. @throws AppError. */
  async id(): Promise<string | null> {
    const storage = await this.storage();
    if (storage === null || (await storage.pendingMigrations()).length > 0) return null;
    return installationId(await storage.sharedSecret(INSTALLATION_SECRET));
  }

  get keyringPath(): string {
    return join(this.#world.config.dataDir, 'keyring.json');
  }

  /** Null: there is no keyring yet, and none is made here. @throws AppError not_configured when it does not fit what is stored. */
  async secretBox(storage: Storage): Promise<Envelope | null> {
    const { secrets, config } = this.#world;
    const { vaultKeys } = secrets;
    if (vaultKeys.length === 0 && !existsSync(this.keyringPath)) return null;
    const store = storage.sealedSecrets;
    return (await openSecretBox({ vaultKeys, dataDir: config.dataDir, store })).secretBox;
  }

  async #open(): Promise<Storage | null> {
    const { config, secrets } = this.#world;
    const { databaseUrl: url } = secrets;
    const database =
      url === null ? ({ type: 'embedded', dataDir: config.dataDir } as const) : ({ type: 'url', url } as const);
    const storage = await visitStorage({ database, log: QUIET });
    if (storage) this.#stack.use(storage);
    return storage;
  }
}
