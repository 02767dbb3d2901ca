import type { Credential, CredentialSchema } from '../core/credential/credential.ts';
import { AppError } from '../core/errors.ts';
import type { CredentialId } from '../core/ids.ts';
import type { CredentialCheck } from '../core/ports/credential-check.ts';
import type { CredentialRepository, StoredCredential } from '../core/ports/credential-repository.ts';
import type { CredentialVault } from '../core/ports/credential-vault.ts';
import { type Actor, announceChange, type ChangeParts } from './change.ts';

export type CredentialParts = ChangeParts & {
  readonly credentials: CredentialRepository;
  readonly credentialVault: CredentialVault;
  readonly credentialSchemas: readonly CredentialSchema[];
};

export type VerifyCredentialParts = Pick<CredentialParts, 'credentials' | 'credentialVault' | 'log'> & {
  /** By provider. */
  readonly credentialChecks: Readonly<Record<string, CredentialCheck>>;
};

/** What the carrier said; `isAccepted` null where there is nobody to ask. */
export type CredentialVerdict = { readonly isAccepted: boolean | null; readonly detail: string };

const VERIFY_LIMIT_MS = 15_000;

export type CredentialWish = {
  readonly id: CredentialId;
  readonly provider: string;
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
};

/** Seals and keeps an account. A repeated id changes nothing. @throws AppError invalid_parameters naming keys, never values. */
export async function createCredential(
  parts: CredentialParts,
  actor: Actor,
  { id, provider, name, values }: CredentialWish,
): Promise<Credential> {
  const schema = credentialSchemaOf(parts.credentialSchemas, provider);
  const { projectId } = actor;
  const { sealed, shown } = await parts.credentialVault.seal({ projectId, id }, schema, values);
  const stored = await parts.credentials.create({ id, projectId, provider, name, shown, sealed });
  await announceChange(
    parts,
    actor,
    { action: 'credential.created', subject: id, detail: { provider, name } },
    { type: 'project.changed', projectId },
  );
  return withoutSeal(stored);
}

export async function listCredentials(parts: CredentialParts, { projectId }: Actor): Promise<readonly Credential[]> {
  return (await parts.credentials.list(projectId)).map(withoutSeal);
}

/**
 * Changes the name or some of the values; a value of null goes, what is not mentioned stays.
 * @throws AppError not_found, invalid_parameters.
 */
export async function updateCredential(
  parts: CredentialParts,
  actor: Actor,
  id: CredentialId,
  change: { readonly name?: string; readonly values?: Readonly<Record<string, unknown>> },
): Promise<Credential> {
  const { projectId } = actor;
  const before = await parts.credentials.find(projectId, id);
  if (before === null) throw noSuchCredential();
  const schema = credentialSchemaOf(parts.credentialSchemas, before.provider);
  const values = { ...(await parts.credentialVault.reveal(before)), ...change.values };
  const { sealed, shown } = await parts.credentialVault.seal({ projectId, id }, schema, values);
  const after = await parts.credentials.update(projectId, id, { name: change.name ?? before.name, shown, sealed });
  if (after === null) throw noSuchCredential();
  await announceChange(
    parts,
    actor,
    { action: 'credential.updated', subject: id, detail: { keys: Object.keys(change.values ?? {}).join(' ') } },
    { type: 'project.changed', projectId },
  );
  return withoutSeal(after);
}

/** Asks the carrier, now, whether it takes the account. @throws AppError not_found, internal when it does not open. */
export async function verifyCredential(
  parts: VerifyCredentialParts,
  { projectId }: Pick<Actor, 'projectId'>,
  id: CredentialId,
  signal: AbortSignal = AbortSignal.timeout(VERIFY_LIMIT_MS),
): Promise<CredentialVerdict> {
  const stored = await parts.credentials.find(projectId, id);
  if (stored === null) throw noSuchCredential();
  const { provider } = stored;
  const check = parts.credentialChecks[provider];
  if (!check) return { isAccepted: null, detail: `${provider} has nothing that could be asked` };
  const open = await parts.credentialVault.open(stored);
  try {
    return { isAccepted: true, detail: await check(open, signal) };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'carrier_failed') throw error;
    parts.log.warn('credential.not_accepted', { credentialId: id, provider, reason: error.detail ?? error.message });
    return { isAccepted: false, detail: error.detail ?? error.message };
  }
}

/** @throws AppError not_found; conflict while a deployment uses it. */
export async function removeCredential(parts: CredentialParts, actor: Actor, id: CredentialId): Promise<void> {
  if (!(await parts.credentials.remove(actor.projectId, id))) throw noSuchCredential();
  await announceChange(
    parts,
    actor,
    { action: 'credential.removed', subject: id },
    { type: 'project.changed', projectId: actor.projectId },
  );
}

/** @throws AppError invalid_parameters listing the providers there are. */
export function credentialSchemaOf(schemas: readonly CredentialSchema[], provider: string): CredentialSchema {
  const schema = schemas.find((each) => each.provider === provider);
  if (schema) return schema;
  const known = schemas.map((each) => each.provider).join(', ');
  throw new AppError('invalid_parameters', { detail: `provider must be one of ${known}` });
}

function noSuchCredential(): AppError {
  return new AppError('not_found', { detail: 'the project has no credential with this id' });
}

function withoutSeal({ sealed: _, ...credential }: StoredCredential): Credential {
  return credential;
}
