import type { ChannelName } from '../core/call/call.ts';
import { type Deployment, parseChannelName, readDeploymentSettings } from '../core/deployment/deployment.ts';
import { AppError } from '../core/errors.ts';
import type { Field } from '../core/form/field.ts';
import type { AssistantId, CredentialId, DeploymentId } from '../core/ids.ts';
import type { CredentialRepository } from '../core/ports/credential-repository.ts';
import type { DeploymentRepository } from '../core/ports/deployment-repository.ts';
import { type Actor, announceChange, type ChangeParts } from './change.ts';

export type DeploymentParts = ChangeParts & {
  readonly deployments: DeploymentRepository;
  readonly credentials: Pick<CredentialRepository, 'find'>;
  readonly settingsSchemas: Readonly<Partial<Record<ChannelName, readonly Field[]>>>;
};

export type DeploymentWish = {
  readonly id: DeploymentId;
  readonly assistantId: AssistantId;
  readonly channel: string;
  readonly name: string;
  readonly number?: string | null;
  readonly credentialId?: CredentialId | null;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly isEnabled?: boolean;
};

export type DeploymentUpdate = Partial<Omit<DeploymentWish, 'id' | 'assistantId' | 'channel'>>;

/** Puts an assistant on a line. A repeated id changes nothing. @throws AppError invalid_parameters, conflict for a taken number. */
export async function createDeployment(
  parts: DeploymentParts,
  actor: Actor,
  wish: DeploymentWish,
): Promise<Deployment> {
  const channel = parseChannelName(wish.channel);
  const { projectId } = actor;
  const { id, assistantId, name, isEnabled = true } = wish;
  const number = readNumber(wish.number ?? null);
  const credentialId = wish.credentialId ?? null;
  await requireFittingCredential(parts, actor, channel, credentialId);
  const settings = readDeploymentSettings(parts.settingsSchemas[channel] ?? [], wish.settings ?? {});
  const deployment = await parts.deployments.create({
    id,
    projectId,
    assistantId,
    channel,
    name,
    number,
    credentialId,
    settings,
    isEnabled,
  });
  await announce(parts, actor, 'deployment.created', deployment);
  return deployment;
}

/** Changes what is mentioned; of the settings all of them at once. @throws AppError not_found, and as `createDeployment`. */
export async function updateDeployment(
  parts: DeploymentParts,
  actor: Actor,
  id: DeploymentId,
  change: DeploymentUpdate,
): Promise<Deployment> {
  const before = await parts.deployments.find(actor.projectId, id);
  if (before === null) throw noSuchDeployment();
  const credentialId = change.credentialId === undefined ? before.credentialId : change.credentialId;
  await requireFittingCredential(parts, actor, before.channel, credentialId);
  const schema = parts.settingsSchemas[before.channel] ?? [];
  const after = await parts.deployments.update(actor.projectId, id, {
    name: change.name ?? before.name,
    number: change.number === undefined ? before.number : readNumber(change.number),
    credentialId,
    settings: change.settings === undefined ? before.settings : readDeploymentSettings(schema, change.settings),
    isEnabled: change.isEnabled ?? before.isEnabled,
  });
  if (after === null) throw noSuchDeployment();
  await announce(parts, actor, 'deployment.updated', after);
  return after;
}

/** @throws AppError not_found. */
export async function removeDeployment(parts: DeploymentParts, actor: Actor, id: DeploymentId): Promise<void> {
  const before = await parts.deployments.find(actor.projectId, id);
  if (before === null || !(await parts.deployments.remove(actor.projectId, id))) throw noSuchDeployment();
  await announce(parts, actor, 'deployment.removed', before);
}

/** @throws AppError invalid_parameters for one of another carrier, or of nobody. */
async function requireFittingCredential(
  { credentials }: DeploymentParts,
  { projectId }: Actor,
  channel: ChannelName,
  credentialId: CredentialId | null,
): Promise<void> {
  if (credentialId === null) return;
  const credential = await credentials.find(projectId, credentialId);
  if (credential?.provider === channel) return;
  const problem = credential ? `is one of ${credential.provider}` : 'is none of the project';
  throw new AppError('invalid_parameters', { detail: `credentialId ${problem}; channel ${channel} takes its own` });
}

const LONGEST_NUMBER = 128;

function readNumber(number: string | null): string | null {
  const text = number?.trim() ?? '';
  if (text.length > LONGEST_NUMBER) throw new AppError('invalid_parameters', { detail: 'number is too long' });
  return text === '' ? null : text;
}

function announce(parts: DeploymentParts, actor: Actor, action: string, deployment: Deployment): Promise<void> {
  const { id, channel, assistantId, isEnabled } = deployment;
  return announceChange(
    parts,
    actor,
    { action, subject: id, detail: { channel, assistantId, isEnabled } },
    { type: 'project.changed', projectId: actor.projectId },
  );
}

function noSuchDeployment(): AppError {
  return new AppError('not_found', { detail: 'the project has no deployment with this id' });
}
