import { carrierCredentialChecks } from '../channels/credential-checks.ts';
import type { AssistantSettings, BrainSettings } from '../core/assistant/assistant-settings.ts';
import type { CredentialSchema } from '../core/credential/credential.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CredentialCheck } from '../core/ports/credential-check.ts';
import type { EventBus } from '../core/ports/event-bus.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Random } from '../core/ports/random.ts';
import type { SecretBox } from '../core/ports/secret-box.ts';
import { type Management, manage } from '../management/manage.ts';
import { readFlow } from '../providers/scripted/read-flow.ts';
import type { Storage } from '../storage/open-storage.ts';
import { createApiKey } from '../vault/create-api-key.ts';
import { credentialVault } from '../vault/credential-vault.ts';

export type ManagementRoomParts = {
  readonly storage: Storage;
  readonly secretBox: SecretBox;
  readonly channels: readonly Channel[];
  readonly credentialSchemas: readonly CredentialSchema[];
  /** Whoever is asked whether an account is good; the carriers when left out. */
  readonly credentialChecks?: Readonly<Record<string, CredentialCheck>>;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
};

/** What a project's administrator may do, over the storage and the vault there are. */
export function assembleManagement(parts: ManagementRoomParts): Management {
  const { storage, secretBox, channels, random } = parts;
  const { apiKeys } = storage;
  return manage({
    ...parts,
    ...storage,
    credentialChecks: parts.credentialChecks ?? carrierCredentialChecks(parts),
    credentialVault: credentialVault(secretBox),
    settingsSchemas: Object.fromEntries(channels.map(({ name, settingsSchema = [] }) => [name, settingsSchema])),
    createApiKey: (wish) => createApiKey({ apiKeys, secretBox, random }, wish),
    checkSettings: ({ brain }: AssistantSettings) => checkBrain(brain),
  });
}

/** @throws AppError invalid_parameters for a flow no call could follow. */
function checkBrain(brain: BrainSettings): void {
  if (brain.type === 'scripted') readFlow(brain.flow);
  if (brain.type === 'auto') checkBrain(brain.otherwise);
}
