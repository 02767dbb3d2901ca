import type { Assistant } from '../core/assistant/assistant.ts';
import type { ChannelName } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { type OutboundOptions, QUEUE_TTL_MS } from '../core/call/outbound-call.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import { comparableNumber, type Deployment } from '../core/deployment/deployment.ts';
import { AppError } from '../core/errors.ts';
import { type AssistantId, type ContextId, type DeploymentId, newConversationId, type ProjectId } from '../core/ids.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { Dialer } from '../core/ports/dialer.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { OutboundRepository } from '../core/ports/outbound-repository.ts';
import type { Random } from '../core/ports/random.ts';
import { checkNumber } from './check-number.ts';
import { type Lines, type ProjectLines, vouchersOf } from './project-lines.ts';

export type CreatePhoneCallParts = {
  readonly assistants: Pick<AssistantRepository, 'find' | 'version'>;
  readonly outbound: Pick<OutboundRepository, 'enqueue'>;
  readonly lines: Pick<ProjectLines, 'ofProject'>;
  readonly channels: readonly Channel[];
  readonly admit: () => void;
  readonly opened: (context: CallContext) => void;
  readonly publicHost: string | null;
  readonly random: Random;
  readonly log: EventLog;
};

export type PhoneCallWish = {
  /** The same for every try of one request. */
  readonly contextId: ContextId;
  readonly projectId: ProjectId;
  readonly assistantId: AssistantId;
  readonly version: number | null;
  readonly to: string;
  readonly from: string | null;
  readonly channel: ChannelName | null;
  readonly deploymentId: DeploymentId | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly args: Readonly<Record<string, unknown>>;
  readonly options: OutboundOptions;
};

/**
 * Puts a call into the queue, over the deployment asked for, else the one of the calling number, else the assistant's only
 * one. All that can be known to be wrong is told now. @throws AppError assistant_not_found, invalid_parameters, unsupported, draining.
 */
export async function createPhoneCall(parts: CreatePhoneCallParts, wish: PhoneCallWish): Promise<CallContext> {
  const assistant = await findAssistant(parts, wish);
  const lines = await parts.lines.ofProject(wish.projectId);
  const deployment = chooseDeployment(lines.deployments, wish);
  const dialer = dialerOf(parts.channels, deployment.channel);
  const credential = chooseCredential(lines, deployment);
  const from = wish.from ?? deployment.number;
  const to = checkNumber({ channel: deployment.channel, to: wish.to, from, settings: deployment.settings });
  const objection = dialer.objection({
    to,
    from,
    credential,
    publicHost: parts.publicHost,
    settings: deployment.settings,
  });
  if (objection !== null) throw new AppError('invalid_parameters', { detail: objection });
  parts.admit();
  const { context, isNew } = await parts.outbound.enqueue({
    context: {
      contextId: wish.contextId,
      conversationId: newConversationId(parts.random),
      projectId: wish.projectId,
      assistantId: assistant.id,
      assistantVersion: wish.version ?? assistant.publishedVersion,
      deploymentId: deployment.id,
      credentialId: credential.id,
      channel: deployment.channel,
      direction: 'outbound',
      from,
      to,
      providerCallId: null,
      isUnverified: false,
      metadata: wish.metadata,
      args: wish.args,
      ttlMs: QUEUE_TTL_MS,
    },
    deploymentId: deployment.id,
    credentialId: credential.id,
    options: wish.options,
  });
  const { contextId, assistantId, channel } = context;
  parts.log.info('call.queued', { contextId, assistantId, channel, isNew });
  if (isNew) parts.opened(context);
  return context;
}

async function findAssistant(
  { assistants }: CreatePhoneCallParts,
  { assistantId, projectId, version }: PhoneCallWish,
): Promise<Assistant> {
  const assistant = await assistants.find(assistantId);
  if (assistant?.projectId !== projectId) {
    throw new AppError('assistant_not_found', { detail: `the project has no assistant with the id ${assistantId}` });
  }
  if (version !== null && (await assistants.version(assistantId, version)) === null) {
    throw new AppError('invalid_parameters', { detail: `assistant.version: there is no version ${version}` });
  }
  return assistant;
}

function chooseDeployment(deployments: readonly Deployment[], wish: PhoneCallWish): Deployment {
  const usable = deployments.filter(
    ({ assistantId, channel, isEnabled }) =>
      isEnabled && assistantId === wish.assistantId && (wish.channel === null || channel === wish.channel),
  );
  const { from, deploymentId } = wish;
  if (deploymentId !== null) {
    const asked = usable.find(({ id }) => id === deploymentId);
    if (asked) return asked;
    throw new AppError('invalid_parameters', { detail: `deploymentId is none of these: ${candidates(usable)}` });
  }
  const owner =
    from === null
      ? undefined
      : usable.find(({ number }) => number !== null && comparableNumber(number) === comparableNumber(from));
  const only = usable.length === 1 ? usable[0] : undefined;
  const chosen = owner ?? only;
  if (chosen) return chosen;
  throw new AppError('invalid_parameters', {
    detail: `over which line? Name options.deploymentId; there are: ${candidates(usable)}`,
  });
}

function candidates(deployments: readonly Deployment[]): string {
  if (deployments.length === 0) return 'no deployments of this assistant; make one first';
  return deployments.map(({ id, channel, name }) => `${id} (${channel}, ${name})`).join(', ');
}

function dialerOf(channels: readonly Channel[], name: ChannelName): Dialer {
  const dialer = channels.find((channel) => channel.name === name)?.dialer;
  if (dialer) return dialer;
  throw new AppError('unsupported', { detail: `channel ${name} places no calls` });
}

function chooseCredential(lines: Lines, deployment: Deployment): OpenCredential {
  const usable = vouchersOf(lines, deployment, deployment.channel);
  const [only] = usable;
  if (only && usable.length === 1) return only;
  throw new AppError('invalid_parameters', {
    detail: `the deployment needs a credential of ${deployment.channel}; give it one`,
  });
}
