import type { CredentialSchema, OpenCredential } from '../credential/credential.ts';
import type { FieldValues } from '../form/field.ts';
import type { CredentialId, ProjectId } from '../ids.ts';
import type { StoredCredential } from './credential-repository.ts';
import type { SealedSecret } from './secret-box.ts';

/** Seals the values of credentials and opens them. */
export interface CredentialVault {
  /** @throws AppError invalid_parameters naming what is missing or wrong, never a value. */
  seal(
    owner: { readonly projectId: ProjectId; readonly id: CredentialId },
    schema: CredentialSchema,
    values: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly sealed: SealedSecret; readonly shown: FieldValues }>;
  /** @throws AppError internal when it does not open. */
  open(credential: StoredCredential): Promise<OpenCredential>;
  /** All values in clear, for a change of some of them. */
  reveal(credential: StoredCredential): Promise<FieldValues>;
}
