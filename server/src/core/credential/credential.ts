import type { Field, FieldValues } from '../form/field.ts';
import type { CredentialId, ProjectId } from '../ids.ts';

/** What a carrier's or vendor's account needs, as its folder exports it. */
export type CredentialSchema = {
  /** twilio, vonage, openai …: the name of a channel or of a provider. */
  readonly provider: string;
  readonly title: string;
  readonly fields: readonly Field[];
};

/** A credential as it may be shown: secrets are their last four characters. */
export type Credential = {
  readonly id: CredentialId;
  readonly projectId: ProjectId;
  readonly provider: string;
  readonly name: string;
  readonly shown: FieldValues;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** A credential that can be used. Printing, logging or serialising it shows no value. */
export interface OpenCredential {
  readonly id: CredentialId;
  readonly projectId: ProjectId;
  readonly provider: string;
  /** The value in clear; null when it is not set. */
  text(key: string): string | null;
  list(key: string): readonly string[];
}

/** No row's id. */
export const NO_ACCOUNT_ID = '00000000-0000-0000-0000-000000000000' as CredentialId;

/** What stands for the account on a line that needs none: it holds nothing. */
export function noAccount(projectId: ProjectId, provider: string): OpenCredential {
  return { id: NO_ACCOUNT_ID, projectId, provider, text: () => null, list: () => [] };
}

/** The kind a credential is sealed under: with project and id it binds the bytes to their row. */
export function credentialSecretKind(provider: string): string {
  return `credential.${provider}`;
}

/** Whether that kind is a credential's, for whoever holds sealed secrets of several kinds. */
export function isCredentialSecretKind(kind: string): boolean {
  return kind.startsWith('credential.');
}

const LEAST_HIDDEN = 8;
const SHOWN = 4;

/** Values as they may be shown: of a secret its last four characters, of a short one nothing. */
export function showValues(fields: readonly Field[], values: FieldValues): FieldValues {
  const shown: Record<string, FieldValues[string]> = {};
  for (const { key, isSecret } of fields) {
    const value = values[key];
    if (value !== undefined) shown[key] = isSecret ? hide(String(value)) : value;
  }
  return shown;
}

/** The end of a PEM block is the same for all, so the last characters of what it holds are taken. */
function hide(secret: string): string {
  const tail = secret
    .replaceAll('\\n', '\n')
    .replace(/-----END [^-]*-----\s*$/, '')
    .trimEnd();
  return tail.length >= LEAST_HIDDEN + SHOWN ? `••••${tail.slice(-SHOWN)}` : '••••';
}
