import type { OpenCredential } from '../core/credential/credential.ts';
import { credentialSecretKind, showValues } from '../core/credential/credential.ts';
import { AppError } from '../core/errors.ts';
import { type FieldValue, type FieldValues, readFields } from '../core/form/field.ts';
import type { CredentialId, ProjectId } from '../core/ids.ts';
import type { StoredCredential } from '../core/ports/credential-repository.ts';
import type { CredentialVault } from '../core/ports/credential-vault.ts';
import type { SecretBox } from '../core/ports/secret-box.ts';
import { Secret } from './secret.ts';

/** Credentials over a secret box: one envelope holds all values of one credential. */
export function credentialVault(secretBox: SecretBox): CredentialVault {
  const reveal = async (credential: StoredCredential) => parseValues(await openBytes(secretBox, credential));
  return {
    seal: async ({ projectId, id }, schema, given) => {
      const values = readFields(schema.fields, given);
      const owner = { projectId, recordId: id, kind: credentialSecretKind(schema.provider) };
      const plain = Buffer.from(JSON.stringify(values));
      try {
        return { sealed: await secretBox.seal(plain, owner), shown: showValues(schema.fields, values) };
      } finally {
        plain.fill(0);
      }
    },
    reveal,
    open: async (credential) => new SecretCredential(credential, await reveal(credential)),
  };
}

/** A credential in use: its values are behind `Secret`, so nothing that prints it shows them. */
class SecretCredential implements OpenCredential {
  readonly id: CredentialId;
  readonly projectId: ProjectId;
  readonly provider: string;
  readonly #texts: ReadonlyMap<string, Secret>;
  readonly #lists: ReadonlyMap<string, readonly string[]>;

  constructor({ id, projectId, provider }: StoredCredential, values: FieldValues) {
    this.id = id;
    this.projectId = projectId;
    this.provider = provider;
    const entries = Object.entries(values);
    this.#texts = new Map(
      entries.flatMap(([key, value]) => (isList(value) ? [] : [[key, new Secret(String(value))] as const])),
    );
    this.#lists = new Map(entries.flatMap(([key, value]) => (isList(value) ? [[key, value] as const] : [])));
  }

  text(key: string): string | null {
    return this.#texts.get(key)?.expose() ?? null;
  }

  list(key: string): readonly string[] {
    return this.#lists.get(key) ?? [];
  }
}

function isList(value: FieldValue): value is readonly string[] {
  return typeof value === 'object';
}

function openBytes(secretBox: SecretBox, { id, projectId, provider, sealed }: StoredCredential): Promise<Uint8Array> {
  return secretBox.open(sealed, { projectId, recordId: id, kind: credentialSecretKind(provider) });
}

/** The bytes were sealed by us, so they are what `readFields` made. */
function parseValues(bytes: Uint8Array): FieldValues {
  try {
    const values: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof values === 'object' && values !== null && !Array.isArray(values)) return values as FieldValues;
  } catch {
    // Falls through: the words of a parser may hold what it read.
  } finally {
    bytes.fill(0);
  }
  throw new AppError('internal', { detail: 'a sealed credential holds no values' });
}
