import { randomBytes, randomUUID } from 'node:crypto';
import { CARRIER_CREDENTIAL_SCHEMAS } from '../../src/channels/credential-schemas.ts';
import type { CredentialId, DeploymentId } from '../../src/core/ids.ts';
import type { BusMessage } from '../../src/core/ports/event-bus.ts';
import type { Actor } from '../../src/management/change.ts';
import { createCredential } from '../../src/management/credentials.ts';
import { credentialVault } from '../../src/vault/credential-vault.ts';
import { Envelope } from '../../src/vault/envelope.ts';
import { LocalKeyring } from '../../src/vault/local-keyring.ts';
import { RecordingLog } from '../fakes/recording-log.ts';
import { freshStorage } from '../postgres/fresh-database.ts';
import { type SampleAssistant, sampleAssistant } from '../postgres/sample-calls.ts';

export const TWILIO_VALUES = {
  account_sid: `AC${'0123456789abcdef'.repeat(2)}`,
  account_token: 'twilio-token-000000001234',
};

export const OLD_KEY = { keyId: 'old', key: randomBytes(32) };

/** What managing accounts and lines needs, over a database of its own. */
export async function managementWorld() {
  const storage = await freshStorage();
  const secretBox = new Envelope(new LocalKeyring([OLD_KEY]));
  const messages: BusMessage[] = [];
  const log = new RecordingLog();
  const parts = {
    credentials: storage.credentials,
    deployments: storage.deployments,
    assistants: storage.assistants,
    audit: storage.audit,
    credentialVault: credentialVault(secretBox),
    credentialSchemas: CARRIER_CREDENTIAL_SCHEMAS,
    bus: { publish: async (message: BusMessage) => void messages.push(message) },
    log,
  };
  return {
    storage,
    secretBox,
    parts,
    messages,
    log,
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
}

export type ManagementWorld = Awaited<ReturnType<typeof managementWorld>>;

export const actorOf = ({ projectId }: Pick<SampleAssistant, 'projectId'>): Actor => ({ projectId, apiKeyId: null });
export const newCredentialId = () => randomUUID() as CredentialId;
export const newDeploymentId = () => randomUUID() as DeploymentId;

/** A project with an assistant and a Twilio account. */
export async function sampleLine(world: ManagementWorld, values: Record<string, string> = TWILIO_VALUES) {
  const assistant = await sampleAssistant(world.storage.assistants);
  const wish = { id: newCredentialId(), provider: 'twilio', name: 'main', values };
  const credential = await createCredential(world.parts, actorOf(assistant), wish);
  return { ...assistant, credential };
}
