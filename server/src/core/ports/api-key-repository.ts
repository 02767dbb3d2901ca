import type { ApiKeyId, ProjectId } from '../ids.ts';
import type { ApiKey } from '../project/project.ts';
import type { SealedSecret } from './secret-box.ts';

export type StoredApiKey = ApiKey & { readonly hash: Uint8Array; readonly sealed: SealedSecret | null };

/** API keys by the SHA-256 of the key. */
export interface ApiKeyRepository {
  create(key: Omit<StoredApiKey, 'createdAt' | 'revokedAt'>): Promise<StoredApiKey>;
  /** Also finds expired and revoked keys: the caller judges. */
  findByHash(hash: Uint8Array): Promise<StoredApiKey | null>;
  list(projectId: ProjectId): Promise<readonly StoredApiKey[]>;
  revoke(projectId: ProjectId, id: ApiKeyId): Promise<boolean>;
}
