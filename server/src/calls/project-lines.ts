import type { OpenCredential } from '../core/credential/credential.ts';
import type { Deployment } from '../core/deployment/deployment.ts';
import type { ProjectId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CredentialRepository, StoredCredential } from '../core/ports/credential-repository.ts';
import type { CredentialVault } from '../core/ports/credential-vault.ts';
import type { DeploymentRepository } from '../core/ports/deployment-repository.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { NumberListRepository } from '../core/ports/number-list-repository.ts';

export type ProjectLinesParts = {
  readonly credentials: Pick<CredentialRepository, 'list' | 'findByShown'>;
  readonly deployments: Pick<DeploymentRepository, 'list'>;
  readonly numberLists: Pick<NumberListRepository, 'numbers'>;
  readonly credentialVault: Pick<CredentialVault, 'open'>;
  readonly clock: Clock;
  readonly log: EventLog;
};

/** A project's accounts, opened, and its deployments. */
export type Lines = {
  readonly credentials: readonly OpenCredential[];
  readonly deployments: readonly Deployment[];
  /** As `listedNumber` writes them; left out: nobody. */
  readonly blockedCallers?: ReadonlySet<string>;
};

const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 1_000;

/** Accounts and deployments as every webhook needs them: read once a minute for a project, and after a change. */
export class ProjectLines {
  readonly #parts: ProjectLinesParts;
  readonly #remembered = new Map<ProjectId, { readonly lines: Promise<Lines>; readonly untilMs: number }>();

  constructor(parts: ProjectLinesParts) {
    this.#parts = parts;
  }

  /** @throws AppError database_unavailable. */
  ofProject(projectId: ProjectId): Promise<Lines> {
    const now = this.#parts.clock.nowMs();
    const known = this.#remembered.get(projectId);
    if (known && now < known.untilMs) return known.lines;
    const lines = this.#read(projectId);
    this.#remembered.delete(projectId);
    this.#remembered.set(projectId, { lines, untilMs: now + REMEMBERED_MS });
    lines.catch(() => {
      if (this.#remembered.get(projectId)?.lines === lines) this.#remembered.delete(projectId);
    });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MOST_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
    return lines;
  }

  /** The accounts of any project that show this value: for webhooks that name nothing but the carrier's account. */
  async ofAccount(provider: string, key: string, value: string): Promise<readonly OpenCredential[]> {
    return this.#open(await this.#parts.credentials.findByShown(provider, key, value));
  }

  /** Reads again at the next question: one project, or all of them. */
  forget(projectId?: ProjectId): void {
    if (projectId === undefined) this.#remembered.clear();
    else this.#remembered.delete(projectId);
  }

  async #read(projectId: ProjectId): Promise<Lines> {
    const [stored, deployments, blocked] = await Promise.all([
      this.#parts.credentials.list(projectId),
      this.#parts.deployments.list(projectId),
      this.#parts.numberLists.numbers(projectId, 'blocked_callers'),
    ]);
    return { credentials: await this.#open(stored), deployments, blockedCallers: new Set(blocked) };
  }

  /** One that does not open must not take the other lines down with it. */
  async #open(stored: readonly StoredCredential[]): Promise<readonly OpenCredential[]> {
    const { credentialVault, log } = this.#parts;
    const opened = await Promise.all(
      stored.map((credential) =>
        credentialVault.open(credential).catch((error: unknown) => {
          log.error('credential.unreadable', { credentialId: credential.id, provider: credential.provider }, error);
          return null;
        }),
      ),
    );
    return opened.filter((credential) => credential !== null);
  }
}

/** The accounts that may vouch for a webhook: the deployment's, or where it has none all of that carrier. */
export function vouchersOf(lines: Lines, deployment: Deployment | null, provider: string): readonly OpenCredential[] {
  const ofProvider = lines.credentials.filter((credential) => credential.provider === provider);
  const { credentialId = null } = deployment ?? {};
  return credentialId === null ? ofProvider : ofProvider.filter(({ id }) => id === credentialId);
}
