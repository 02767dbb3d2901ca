import type { EndReason } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { OpenCredential } from '../core/credential/credential.ts';
import { verifyModeOf } from '../core/deployment/deployment.ts';
import { AppError } from '../core/errors.ts';
import type { FieldValues } from '../core/form/field.ts';
import { type ContextId, type ProjectId, parseAssistantId, parseContextId } from '../core/ids.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { CallReport, CallWebhook, Channel, WebhookRequest } from '../core/ports/channel.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { Principal } from '../core/project/project.ts';
import { type ProjectLines, vouchersOf } from './project-lines.ts';
import { readApiKey } from './read-api-key.ts';

export type RecordEventParts = {
  readonly channels: readonly Channel[];
  readonly assistants: Pick<AssistantRepository, 'find'>;
  readonly calls: Pick<CallRepository, 'find' | 'findByProviderCall' | 'setStatus'>;
  readonly lines: Pick<ProjectLines, 'ofProject' | 'ofAccount'>;
  readonly verifyApiKey: (key: string) => Promise<Principal | null>;
  readonly endCall: (contextId: ContextId, reason: EndReason) => Promise<void>;
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

/**
 * Takes a carrier's word about a call: late, repeated and out of order, once it is known to be the carrier's. A call that is
 * over stays over. @throws AppError wrong_signature for a forged one, unauthenticated for a wrong API key.
 */
export async function recordCarrierEvent(
  parts: RecordEventParts,
  event: CarrierEvent,
): Promise<'recorded' | 'unknown'> {
  const webhook = parts.channels.find(({ name }) => name === event.channel)?.webhook;
  const report = webhook?.readReport?.(event.request);
  if (!webhook || !report) return 'unknown';
  const context = await findCall(parts, event, report);
  await authenticate(parts, event, { webhook, report, context });
  parts.log.info('carrier.event', { channel: event.channel, contextId: context?.contextId ?? null, name: report.name });
  parts.metrics.count('carrier_events_total', { channel: event.channel, known: String(context !== null) });
  if (context === null) return 'unknown';
  await apply(parts, context, report);
  return 'recorded';
}

async function findCall(
  { calls }: RecordEventParts,
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

type Known = {
  readonly webhook: CallWebhook;
  readonly report: CallReport;
  readonly context: CallContext | null;
};

async function authenticate(parts: RecordEventParts, event: CarrierEvent, known: Known): Promise<void> {
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

async function requireKey(parts: RecordEventParts, key: string, projectId: ProjectId | null): Promise<void> {
  const principal = await parts.verifyApiKey(key);
  if (principal !== null && (projectId === null || principal.projectId === projectId)) return;
  throw new AppError('unauthenticated', { detail: 'this API key is not valid here' });
}

async function projectOf({ assistants }: RecordEventParts, rawId: string | null): Promise<ProjectId | null> {
  const id = rawId === null ? null : parseAssistantId(rawId);
  return id === null ? null : ((await assistants.find(id))?.projectId ?? null);
}

async function findVouchers(
  { lines: projectLines }: RecordEventParts,
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

async function apply(parts: RecordEventParts, context: CallContext, { change }: CallReport): Promise<void> {
  const { contextId, claimedBy } = context;
  switch (change?.type) {
    case 'ringing':
      await parts.calls.setStatus(contextId, 'ringing');
      return;
    case 'answered':
      await parts.calls.setStatus(contextId, 'live');
      return;
    case 'ended':
      // "Completed" of a call whose audio never came: nobody talked.
      return await parts.endCall(
        contextId,
        change.reason === 'caller_hung_up' && claimedBy === null ? 'never_connected' : change.reason,
      );
    case 'transfer_over':
    case undefined:
      return;
  }
}
