import { timingSafeEqual } from 'node:crypto';
import type { ApiKeyId } from '../core/ids.ts';
import type { ApiKeyRepository, StoredApiKey } from '../core/ports/api-key-repository.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Principal } from '../core/project/project.ts';
import { hashApiKey, isApiKey } from './api-key.ts';

export type ApiKeyVerifierParts = {
  readonly apiKeys: Pick<ApiKeyRepository, 'findByHash'>;
  readonly clock: Clock;
};

const REMEMBERED_MS = 60_000;
/** Keys remembered at once; the one that was learned first goes first. */
const MOST_REMEMBERED = 10_000;

type Remembered = { readonly apiKey: StoredApiKey; readonly untilMs: number };

/** Tells who an API key belongs to, asking the database at most once a minute for each good key. */
export class ApiKeyVerifier {
  readonly #parts: ApiKeyVerifierParts;
  readonly #remembered = new Map<string, Remembered>();
  /** Rises with each `forget`: an answer that was on its way then is not remembered. */
  #forgotten = 0;

  constructor(parts: ApiKeyVerifierParts) {
    this.#parts = parts;
  }

  /** Null for a key that is malformed, unknown, expired or revoked. @throws AppError database_unavailable. */
  async verify(key: string): Promise<Principal | null> {
    if (!isApiKey(key)) return null;
    const hash = hashApiKey(key);
    const apiKey = await this.#find(hash);
    if (apiKey === null || !timingSafeEqual(hash, apiKey.hash) || !this.#isActive(apiKey)) return null;
    return { projectId: apiKey.projectId, apiKeyId: apiKey.id, scopes: apiKey.scopes };
  }

  /** Asks the database again for this key, or for all of them: after a revocation, here or on another node. */
  forget(id?: ApiKeyId): void {
    this.#forgotten++;
    for (const [name, { apiKey }] of this.#remembered) {
      if (id === undefined || apiKey.id === id) this.#remembered.delete(name);
    }
  }

  async #find(hash: Uint8Array): Promise<StoredApiKey | null> {
    const name = Buffer.from(hash).toString('base64');
    const known = this.#remembered.get(name);
    if (known && this.#parts.clock.nowMs() < known.untilMs) return known.apiKey;
    this.#remembered.delete(name);
    const forgottenBefore = this.#forgotten;
    const apiKey = await this.#parts.apiKeys.findByHash(hash);
    if (apiKey !== null && this.#isActive(apiKey) && forgottenBefore === this.#forgotten) this.#remember(name, apiKey);
    return apiKey;
  }

  #remember(name: string, apiKey: StoredApiKey): void {
    this.#remembered.set(name, { apiKey, untilMs: this.#parts.clock.nowMs() + REMEMBERED_MS });
    if (this.#remembered.size <= MOST_REMEMBERED) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }

  #isActive({ revokedAt, expiresAt }: StoredApiKey): boolean {
    return revokedAt === null && (expiresAt === null || this.#parts.clock.date() < expiresAt);
  }
}
