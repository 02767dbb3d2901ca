import type { Credential } from '../credential/credential.ts';
import type { FieldValues } from '../form/field.ts';
import type { CredentialId, ProjectId } from '../ids.ts';
import type { SealedSecret } from './secret-box.ts';

export type StoredCredential = Credential & { readonly sealed: SealedSecret };
export type NewCredential = Omit<StoredCredential, 'createdAt' | 'updatedAt'>;

/** Credentials, their values sealed. */
export interface CredentialRepository {
  /** A repeated id is the same credential, returned as it is stored. @throws AppError not_found for an unknown project. */
  create(credential: NewCredential): Promise<StoredCredential>;
  list(projectId: ProjectId): Promise<readonly StoredCredential[]>;
  find(projectId: ProjectId, id: CredentialId): Promise<StoredCredential | null>;
  /** Of any project: those of a provider that show this value under this key, an account's public id for one. At most 20. */
  findByShown(provider: string, key: string, value: string): Promise<readonly StoredCredential[]>;
  /** Of any project, all of a provider. */
  ofProvider(provider: string): Promise<readonly StoredCredential[]>;
  /** Null when there is none. */
  update(
    projectId: ProjectId,
    id: CredentialId,
    change: { readonly name: string; readonly shown: FieldValues; readonly sealed: SealedSecret },
  ): Promise<StoredCredential | null>;
  /** False when there is none. @throws AppError conflict while a deployment uses it. */
  remove(projectId: ProjectId, id: CredentialId): Promise<boolean>;
}
