import type { ApiKeyId, ProjectId } from '../core/ids.ts';
import type { ApiKeyRepository, StoredApiKey } from '../core/ports/api-key-repository.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { SecretBox } from '../core/ports/secret-box.ts';
import { API_KEY_SECRET_KIND } from '../core/project/project.ts';
import { Secret } from './secret.ts';

export type DigestKeysParts = {
  readonly apiKeys: Pick<ApiKeyRepository, 'list'>;
  readonly secretBox: Pick<SecretBox, 'open'>;
  readonly clock: Clock;
};

/** An API key in clear, for a check that needs the password itself (RFC 2617, 3.2.2.2: A1). */
export type DigestKey = { readonly apiKeyId: ApiKeyId; readonly key: Secret };

const REMEMBERED_MS = 60_000;
/** Each challenge is checked against every key, so there is a limit; the newest count. */
const MOST_KEYS = 50;

type Remembered = { readonly keys: readonly (DigestKey & { expiresAt: Date | null })[]; readonly untilMs: number };

/** The keys of a project that SIP digest may be answered with: active, sealed, of the scope `talk`. */
export class DigestKeys {
  readonly #parts: DigestKeysParts;
  readonly #remembered = new Map<ProjectId, Remembered>();
  #forgotten = 0;

  constructor(parts: DigestKeysParts) {
    this.#parts = parts;
  }

  /** At most 50, read once a minute. @throws AppError database_unavailable, or internal when a copy does not open. */
  async ofProject(projectId: ProjectId): Promise<readonly DigestKey[]> {
    const { clock } = this.#parts;
    const known = this.#remembered.get(projectId);
    const entry = known && clock.nowMs() < known.untilMs ? known : await this.#read(projectId);
    const now = clock.date();
    return entry.keys.filter(({ expiresAt }) => expiresAt === null || now < expiresAt);
  }

  /** Reads again at the next question: after a key was made or revoked, here or on another node. */
  forget(): void {
    this.#forgotten++;
    this.#remembered.clear();
  }

  async #read(projectId: ProjectId): Promise<Remembered> {
    const forgottenBefore = this.#forgotten;
    const stored = await this.#parts.apiKeys.list(projectId);
    const now = this.#parts.clock.date();
    const usable = stored
      .filter(({ revokedAt, scopes, sealed }) => revokedAt === null && sealed !== null && scopes.includes('talk'))
      .filter(({ expiresAt }) => expiresAt === null || now < expiresAt)
      .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
      .slice(0, MOST_KEYS);
    const keys = await Promise.all(usable.map((apiKey) => this.#open(apiKey)));
    const entry = { keys: keys.flat(), untilMs: this.#parts.clock.nowMs() + REMEMBERED_MS };
    if (forgottenBefore === this.#forgotten) this.#remembered.set(projectId, entry);
    return entry;
  }

  async #open({ id, projectId, sealed, expiresAt }: StoredApiKey): Promise<Remembered['keys']> {
    if (sealed === null) return [];
    const owner = { projectId, recordId: id, kind: API_KEY_SECRET_KIND };
    const clear = await this.#parts.secretBox.open(sealed, owner);
    return [{ apiKeyId: id, key: new Secret(Buffer.from(clear).toString('latin1')), expiresAt }];
  }
}
