import type { Assistant } from '../core/assistant/assistant.ts';
import type { ChannelName } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import { maskNumber } from '../core/call/caller-number.ts';
import { type OutboundOptions, QUEUE_TTL_MS } from '../core/call/outbound-call.ts';
import { NO_ACCOUNT_ID, noAccount, type OpenCredential } from '../core/credential/credential.ts';
import { comparableNumber, type Deployment } from '../core/deployment/deployment.ts';
import { AppError, type ErrorCode } from '../core/errors.ts';
import {
  type ApiKeyId,
  type AssistantId,
  type ContextId,
  type DeploymentId,
  newConversationId,
  type ProjectId,
} from '../core/ids.ts';
import { listedNumber } from '../core/number-list/number-list.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { AuditLog } from '../core/ports/audit-log.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { Dialer } from '../core/ports/dialer.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { NumberListRepository } from '../core/ports/number-list-repository.ts';
import type { OutboundRepository } from '../core/ports/outbound-repository.ts';
import type { Random } from '../core/ports/random.ts';
import { checkNumber } from './check-number.ts';
import { type Lines, type ProjectLines, vouchersOf } from './project-lines.ts';

/** Orders of one line within 24 hours. */
const DEFAULT_PER_DAY = 200;

export type CreatePhoneCallParts = {
  readonly assistants: Pick<AssistantRepository, 'find' | 'version'>;
  readonly outbound: Pick<OutboundRepository, 'enqueue'>;
  readonly lines: Pick<ProjectLines, 'ofProject'>;
  readonly channels: readonly Channel[];
  readonly admit: () => void;
  readonly opened: (context: CallContext) => void;
  readonly numberLists: Pick<NumberListRepository, 'has'>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly publicHost: string | null;
  readonly random: Random;
  readonly log: EventLog;
};

export type PhoneCallWish = {
  /** The same for every try of one request. */
  readonly contextId: ContextId;
  readonly projectId: ProjectId;
  /** Who asks, for the audit log; null: nobody by key. */
  readonly apiKeyId: ApiKeyId | null;
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
 * one. All that can be known to be wrong is told now; what guards refuse is audited, without the number.
 * @throws AppError assistant_not_found, invalid_parameters, number_refused, do_not_call, limit_reached, unsupported, draining.
 */
export async function createPhoneCall(parts: CreatePhoneCallParts, wish: PhoneCallWish): Promise<CallContext> {
  try {
    return await queueCall(parts, wish);
  } catch (error) {
    if (error instanceof AppError && GUARDS.has(error.code)) await auditRefusal(parts, wish, error);
    throw error;
  }
}

/** Refusals that somebody may have to answer for. */
const GUARDS: ReadonlySet<ErrorCode> = new Set(['number_refused', 'do_not_call', 'limit_reached']);

async function auditRefusal({ audit, log }: CreatePhoneCallParts, wish: PhoneCallWish, error: AppError): Promise<void> {
  const { projectId, apiKeyId, assistantId, to } = wish;
  const { code, detail: reason = '' } = error;
  log.warn('call.refused', { code, assistantId, to: maskNumber(to), reason });
  const detail = { code, to: maskNumber(to), reason };
  await audit
    .append({ projectId, apiKeyId, action: 'call.refused', subject: assistantId, detail })
    .catch((cause: unknown) => {
      log.warn('change.not_announced', { action: 'call.refused', subject: assistantId, reason: String(cause) });
    });
}

async function queueCall(parts: CreatePhoneCallParts, wish: PhoneCallWish): Promise<CallContext> {
  const assistant = await findAssistant(parts, wish);
  const lines = await parts.lines.ofProject(wish.projectId);
  const deployment = chooseDeployment(lines.deployments, wish);
  const dialer = dialerOf(parts.channels, deployment.channel);
  const credential = chooseCredential(lines, deployment, dialer);
  const from = wish.from ?? deployment.number;
  const to = checkNumber({ channel: deployment.channel, to: wish.to, from, settings: deployment.settings });
  if (await parts.numberLists.has(wish.projectId, 'do_not_call', listedNumber(to))) throw new AppError('do_not_call');
  const objection = dialer.objection({
    to,
    from,
    credential,
    publicHost: parts.publicHost,
    settings: deployment.settings,
  });
  if (objection !== null) throw new AppError('invalid_parameters', { detail: objection });
  parts.admit();
  const { max_calls_per_day: perDay } = deployment.settings;
  const { context, isNew } = await parts.outbound.enqueue({
    context: {
      contextId: wish.contextId,
      conversationId: newConversationId(parts.random),
      projectId: wish.projectId,
      assistantId: assistant.id,
      assistantVersion: wish.version ?? assistant.publishedVersion,
      deploymentId: deployment.id,
      credentialId: credential.id === NO_ACCOUNT_ID ? null : credential.id,
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
    maxPerDay: typeof perDay === 'number' ? perDay : DEFAULT_PER_DAY,
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

function chooseCredential(lines: Lines, deployment: Deployment, dialer: Dialer): OpenCredential {
  const usable = vouchersOf(lines, deployment, deployment.channel);
  const [only] = usable;
  if (only && usable.length === 1) return only;
  if (!only && dialer.needsNoAccount) return noAccount(deployment.projectId, deployment.channel);
  throw new AppError('invalid_parameters', {
    detail: `the deployment needs a credential of ${deployment.channel}; give it one`,
  });
}
