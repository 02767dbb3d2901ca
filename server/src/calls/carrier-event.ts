import type { CallContext } from '../core/call/call-context.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import { verifyModeOf } from '../core/deployment/deployment.ts';
import { AppError } from '../core/errors.ts';
import type { FieldValues } from '../core/form/field.ts';
import { type ProjectId, parseAssistantId, parseContextId } from '../core/ids.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { CallReport, CallWebhook, Channel, WebhookRequest } from '../core/ports/channel.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { Principal } from '../core/project/project.ts';
import { type ProjectLines, vouchersOf } from './project-lines.ts';
import { readApiKey } from './read-api-key.ts';

export type CarrierEventParts = {
  readonly channels: readonly Channel[];
  readonly assistants: Pick<AssistantRepository, 'find'>;
  readonly calls: Pick<CallRepository, 'find' | 'findByProviderCall'>;
  readonly lines: Pick<ProjectLines, 'ofProject' | 'ofAccount'>;
  readonly verifyApiKey: (key: string) => Promise<Principal | null>;
  readonly publicHost: string | null;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** What a carrier reports about a call; which call is found by the path or by the carrier's own id. */
export type CarrierEvent = {
  readonly channel: Channel['name'];
  /** As it stands in the path: an id, or the literal `{contextId}` of a console that fills nothing in. */
  readonly contextId: string | null;
  /** As it stands in the path. */
  readonly assistantId: string | null;
  readonly request: WebhookRequest;
};

/** A carrier's word that is known to be the carrier's. */
export type KnownEvent = {
  readonly webhook: CallWebhook;
  readonly report: CallReport;
  /** Null: a call nobody knows. */
  readonly context: CallContext | null;
};

/**
 * Reads a carrier's word, finds the call it is about and judges the proof. Null where this channel reports nothing.
 * @throws AppError wrong_signature for a forged one, unauthenticated for a wrong API key.
 */
export async function knowCarrierEvent(parts: CarrierEventParts, event: CarrierEvent): Promise<KnownEvent | null> {
  const webhook = parts.channels.find(({ name }) => name === event.channel)?.webhook;
  const report = webhook?.readReport?.(event.request);
  if (!webhook || !report) return null;
  const context = await findCall(parts, event, report);
  await authenticate(parts, event, { webhook, report, context });
  parts.log.info('carrier.event', { channel: event.channel, contextId: context?.contextId ?? null, name: report.name });
  parts.metrics.count('carrier_events_total', { channel: event.channel, known: String(context !== null) });
  return { webhook, report, context };
}

async function findCall(
  { calls }: CarrierEventParts,
  { channel, contextId: fromPath }: CarrierEvent,
  report: CallReport,
): Promise<CallContext | null> {
  for (const text of [fromPath, report.contextId]) {
    const contextId = text === null ? null : parseContextId(text);
    const context = contextId === null ? null : await calls.find(contextId);
    if (context?.channel === channel) return context;
  }
  return report.providerCallId === null ? null : await calls.findByProviderCall(channel, report.providerCallId);
}

async function authenticate(parts: CarrierEventParts, event: CarrierEvent, known: KnownEvent): Promise<void> {
  const { request, channel } = event;
  const { webhook, context, report } = known;
  const projectId = context?.projectId ?? (await projectOf(parts, event.assistantId));
  const key = readApiKey(request);
  if (key !== null) return await requireKey(parts, key, projectId);
  const { credentials, settings } = await findVouchers(parts, event, report, { context, projectId });
  const verdict = (await webhook.verify?.({
    request,
    publicHost: parts.publicHost,
    credentials,
    settings,
    nowMs: parts.clock.date().getTime(),
  })) ?? { type: 'absent', canVerify: false };
  if (verdict.type === 'verified') return;
  // Without an account there is nothing to verify with; the contextId was told to nobody but the carrier.
  const isTold = context !== null && parseContextId(event.contextId ?? '') === context.contextId;
  if (isTold && credentials.length === 0) return;
  const mode = verifyModeOf(settings);
  const isMissed = verdict.type === 'absent' && (mode === 'enforce' || (mode === 'auto' && verdict.canVerify));
  if (verdict.type !== 'wrong' && !isMissed) return;
  const difference = verdict.type === 'wrong' ? verdict.difference : 'missing';
  parts.log.warn('webhook.refused', { channel, contextId: context?.contextId ?? null, difference, isEvent: true });
  parts.metrics.count('webhooks_refused_total', { channel, difference });
  throw new AppError('wrong_signature', { detail: `what differs: ${difference}` });
}

async function requireKey(parts: CarrierEventParts, key: string, projectId: ProjectId | null): Promise<void> {
  const principal = await parts.verifyApiKey(key);
  if (principal !== null && (projectId === null || principal.projectId === projectId)) return;
  throw new AppError('unauthenticated', { detail: 'this API key is not valid here' });
}

async function projectOf({ assistants }: CarrierEventParts, rawId: string | null): Promise<ProjectId | null> {
  const id = rawId === null ? null : parseAssistantId(rawId);
  return id === null ? null : ((await assistants.find(id))?.projectId ?? null);
}

async function findVouchers(
  { lines: projectLines }: CarrierEventParts,
  { channel }: CarrierEvent,
  { account }: CallReport,
  { context, projectId }: { readonly context: CallContext | null; readonly projectId: ProjectId | null },
): Promise<{ readonly credentials: readonly OpenCredential[]; readonly settings: FieldValues }> {
  if (projectId === null) {
    const credentials = account ? await projectLines.ofAccount(channel, account.key, account.value) : [];
    return { credentials, settings: {} };
  }
  const lines = await projectLines.ofProject(projectId);
  const deployment = lines.deployments.find(({ id }) => id === context?.deploymentId) ?? null;
  return { credentials: vouchersOf(lines, deployment, channel), settings: deployment?.settings ?? {} };
}
