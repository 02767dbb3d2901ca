import { readFileSync } from 'node:fs';
import { CARRIER_CREDENTIAL_SCHEMAS } from '../channels/credential-schemas.ts';
import type { CredentialSchema } from '../core/credential/credential.ts';
import { AppError } from '../core/errors.ts';
import type { CredentialId, ProjectId } from '../core/ids.ts';
import type { EventBus } from '../core/ports/event-bus.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { SecretBox } from '../core/ports/secret-box.ts';
import { createCredential, credentialSchemaOf, listCredentials } from '../management/credentials.ts';
import { systemRandom } from '../runtime/system-random.ts';
import type { Storage } from '../storage/open-storage.ts';
import { credentialVault } from '../vault/credential-vault.ts';
import { Prompt, type Terminal } from './terminal.ts';

export type CredentialAdd = {
  readonly provider: string;
  readonly name: string | null;
  /** `key=value`, of keys that are no secrets. */
  readonly set: readonly string[];
  /** `key=path` */
  readonly files: readonly string[];
};

export type CredentialWorld = {
  readonly storage: Storage;
  readonly secretBox: SecretBox;
  readonly projectId: ProjectId;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly terminal: Terminal;
  readonly log: EventLog;
  readonly say: (text: string) => void;
};

/** Asks for what an account needs and keeps it sealed. Secrets come from the terminal, a pipe or a file, never as arguments. */
export async function addCredential(world: CredentialWorld, wish: CredentialAdd): Promise<void> {
  const schema = credentialSchemaOf(CARRIER_CREDENTIAL_SCHEMAS, wish.provider);
  const values = givenValues(schema, wish);
  using prompt = new Prompt(world.terminal);
  for (const field of schema.fields) {
    if (!Object.hasOwn(values, field.key)) values[field.key] = await prompt.ask(field);
  }
  const credential = await createCredential(
    parts(world),
    { projectId: world.projectId, apiKeyId: null },
    {
      id: systemRandom.uuid() as CredentialId,
      provider: schema.provider,
      name: wish.name ?? schema.title,
      values,
    },
  );
  world.say(`${credential.id}   ${credential.provider}   ${credential.name}   ${shownText(credential.shown)}`);
}

/** One line a credential, secrets as their last four characters. */
export async function showCredentials(world: CredentialWorld): Promise<void> {
  const credentials = await listCredentials(parts(world), { projectId: world.projectId, apiKeyId: null });
  if (credentials.length === 0) world.say('there is none yet: npm start -- credential add twilio');
  for (const { id, provider, name, shown } of credentials) {
    world.say(`${id}   ${provider}   ${name}   ${shownText(shown)}`);
  }
}

function parts(world: CredentialWorld) {
  return {
    credentials: world.storage.credentials,
    credentialVault: credentialVault(world.secretBox),
    credentialSchemas: CARRIER_CREDENTIAL_SCHEMAS,
    audit: world.storage.audit,
    bus: world.bus,
    log: world.log,
  };
}

function givenValues(schema: CredentialSchema, { set, files }: CredentialAdd): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [key, value] of set.map(splitPair)) {
    if (schema.fields.find((field) => field.key === key || field.aliases?.includes(key))?.isSecret) {
      throw new AppError('invalid_parameters', {
        detail: `${key} is a secret, and arguments are seen by other users: leave it out and it is asked for`,
      });
    }
    values[key] = value;
  }
  for (const [key, path] of files.map(splitPair)) values[key] = readFileSync(path, 'utf8');
  return values;
}

function splitPair(pair: string): readonly [string, string] {
  const at = pair.indexOf('=');
  if (at < 1) throw new AppError('invalid_parameters', { detail: '--set and --file want key=value' });
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function shownText(shown: Readonly<Record<string, unknown>>): string {
  return Object.entries(shown)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' ');
}
