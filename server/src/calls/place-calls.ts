import type { EndReason } from '../core/call/call.ts';
import { ANSWER_GRACE_MS, type OutboundCall } from '../core/call/outbound-call.ts';
import { NO_ACCOUNT_ID, noAccount, type OpenCredential } from '../core/credential/credential.ts';
import type { Deployment } from '../core/deployment/deployment.ts';
import type { ContextId, NodeId } from '../core/ids.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { Dialer, DialOrder, DialOutcome } from '../core/ports/dialer.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { OutboundRepository } from '../core/ports/outbound-repository.ts';
import type { ProjectLines } from './project-lines.ts';

export type PlaceCallsParts = {
  readonly outbound: OutboundRepository;
  readonly calls: Pick<CallRepository, 'end' | 'find' | 'findByProviderCall'>;
  readonly lines: Pick<ProjectLines, 'ofProject'>;
  readonly channels: readonly Channel[];
  readonly endCall: (contextId: ContextId, reason: EndReason) => Promise<void>;
  readonly isDraining: () => boolean;
  readonly publicHost: string | null;
  readonly nodeId: NodeId;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/** Longer than a carrier is waited for, so that nobody else asks meanwhile. */
const LEASE_MS = 30_000;
const DIAL_LIMIT_MS = 15_000;
const MOST_ATTEMPTS = 5;
/** A carrier's list may be seconds behind what it was told. */
const LOOK_AGAIN_MS = 5_000;
const FIRST_PAUSE_MS = 2_000;
/** Nobody answered by then, and the carrier did not say so. */
const NO_ANSWER_GRACE_MS = 10_000;
const DEFAULT_PER_MINUTE = 30;
const DEFAULT_CONCURRENT = 5;

type Taken = {
  readonly call: OutboundCall;
  readonly dialer: Dialer;
  readonly order: DialOrder;
  readonly deployment: Deployment;
};

/**
 * Places one call that is due, the named one or any. A call that may already ring, because a node died or an answer was
 * lost, is looked for at the carrier and never dialled again on suspicion. Resolves to false when nothing was due.
 * @throws AppError database_unavailable.
 */
export async function placeNextCall(
  parts: PlaceCallsParts,
  signal: AbortSignal,
  contextId?: ContextId,
): Promise<boolean> {
  if (parts.isDraining()) return false;
  const call = await parts.outbound.take(parts.nodeId, LEASE_MS, contextId);
  if (call === null) return false;
  const taken = await prepare(parts, call);
  if (taken === null) await giveUp(parts, call, 'the deployment, its credential or its channel is gone');
  else if (call.placingSince !== null) await lookFor(parts, taken, call.placingSince, signal);
  else await dial(parts, taken, signal);
  return true;
}

/** Ends placed calls whose callee never answered, where the carrier did not tell. Returns how many. */
export async function endUnanswered(parts: PlaceCallsParts): Promise<number> {
  const overdue = await parts.outbound.unanswered(NO_ANSWER_GRACE_MS);
  for (const contextId of overdue) await parts.endCall(contextId, 'no_answer');
  return overdue.length;
}

async function prepare(parts: PlaceCallsParts, call: OutboundCall): Promise<Taken | null> {
  const { context, options } = call;
  const lines = await parts.lines.ofProject(context.projectId);
  const deployment = lines.deployments.find(({ id }) => id === call.deploymentId);
  const dialer = parts.channels.find(({ name }) => name === context.channel)?.dialer;
  const isWithout = dialer?.needsNoAccount && call.credentialId === NO_ACCOUNT_ID;
  const credential: OpenCredential | undefined = isWithout
    ? noAccount(context.projectId, context.channel)
    : lines.credentials.find(({ id }) => id === call.credentialId);
  if (!deployment || !credential || !dialer || context.to === null) return null;
  const { contextId, conversationId, assistantId, to, from } = context;
  const { settings } = deployment;
  const { publicHost } = parts;
  const order = { contextId, conversationId, assistantId, credential, settings, to, from, publicHost, ...options };
  return { call, dialer, order, deployment };
}

async function dial(parts: PlaceCallsParts, taken: Taken, signal: AbortSignal): Promise<void> {
  const { call, dialer, order, deployment } = taken;
  const { contextId } = call.context;
  const waitMs = await parts.outbound.reserve(contextId, {
    deploymentId: call.deploymentId,
    credentialId: call.credentialId,
    maxPerMinute: numberOr(deployment.settings['max_calls_per_minute'], DEFAULT_PER_MINUTE),
    maxConcurrent: numberOr(deployment.settings['max_concurrent_calls'], DEFAULT_CONCURRENT),
    spacingMs: dialer.spacingMs,
  });
  if (waitMs > 0) {
    const wish = { afterMs: waitMs, isUnasked: true, error: null };
    return await parts.outbound.release(contextId, parts.nodeId, wish);
  }
  // Written down before the carrier hears of it: whoever finds the row later knows that it may ring.
  if (!(await parts.outbound.placing(contextId, parts.nodeId))) return await closeEnded(parts, contextId);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_LIMIT_MS)]);
  await settle(parts, taken, await dialer.dial(order, limit));
}

async function settle(parts: PlaceCallsParts, taken: Taken, outcome: DialOutcome): Promise<void> {
  const { call } = taken;
  const { contextId, channel } = call.context;
  parts.metrics.count('calls_dialled_total', { channel, outcome: outcome.type });
  switch (outcome.type) {
    case 'placed':
      return await rings(parts, taken, outcome.providerCallId);
    case 'unknown':
      parts.log.warn('call.placement_unknown', { contextId, channel, reason: outcome.detail });
      return await parts.outbound.release(contextId, parts.nodeId, {
        afterMs: LOOK_AGAIN_MS,
        isUnasked: false,
        error: outcome.detail,
      });
    case 'refused': {
      if (!outcome.isRetryable || call.attempt >= MOST_ATTEMPTS) return await giveUp(parts, call, outcome.detail);
      const pauseMs =
        outcome.retryAfterSeconds === null ? FIRST_PAUSE_MS * 2 ** call.attempt : outcome.retryAfterSeconds * 1_000;
      parts.log.info('call.placement_postponed', { contextId, channel, reason: outcome.detail, pauseMs });
      const wish = { afterMs: pauseMs, isUnasked: true, error: outcome.detail };
      return await parts.outbound.release(contextId, parts.nodeId, wish);
    }
  }
}

/** The one way back for a call that may ring: the carrier says whether it has it. */
async function lookFor(parts: PlaceCallsParts, taken: Taken, since: Date, signal: AbortSignal): Promise<void> {
  const { call, dialer, order } = taken;
  const { contextId, status } = call.context;
  // Its audio came: it was placed, whatever the carrier's list says.
  if (status === 'claimed') return await parts.outbound.close(contextId, null);
  try {
    const ids = await dialer.find(order, since, AbortSignal.any([signal, AbortSignal.timeout(DIAL_LIMIT_MS)]));
    for (const id of ids) if (await isFree(parts, call, id)) return await rings(parts, taken, id);
    if (call.attempt >= MOST_ATTEMPTS) return await giveUp(parts, call, 'the carrier never had the call');
    const wish = { afterMs: 0, isUnasked: true, error: null };
    await parts.outbound.release(contextId, parts.nodeId, wish);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    parts.log.warn('call.placement_unknown', { contextId, reason });
    const wish = { afterMs: LOOK_AGAIN_MS, isUnasked: false, error: reason };
    await parts.outbound.release(contextId, parts.nodeId, wish);
  }
}

/** Whether no other order of ours is known to have placed that call. */
async function isFree({ calls }: PlaceCallsParts, { context }: OutboundCall, providerCallId: string): Promise<boolean> {
  const owner = await calls.findByProviderCall(context.channel, providerCallId, context.projectId);
  return owner === null || owner.contextId === context.contextId;
}

async function rings(parts: PlaceCallsParts, { call, dialer, order }: Taken, providerCallId: string): Promise<void> {
  const { contextId, channel } = call.context;
  const answerWithinMs = order.ringTimeoutSeconds * 1_000 + ANSWER_GRACE_MS;
  const isOpen = await parts.outbound.placed(contextId, providerCallId, answerWithinMs);
  parts.log.info('call.placed', { contextId, channel, attempt: call.attempt });
  if (isOpen) return;
  // It was cancelled while the carrier took it.
  await dialer.hangUp(order.credential, providerCallId, AbortSignal.timeout(DIAL_LIMIT_MS)).catch((error: unknown) => {
    parts.log.warn('call.hangup_failed', { contextId, channel, reason: String(error) });
  });
}

async function giveUp(parts: PlaceCallsParts, call: OutboundCall, reason: string): Promise<void> {
  const { contextId, channel } = call.context;
  parts.log.warn('call.not_placed', { contextId, channel, attempt: call.attempt, reason });
  await parts.outbound.close(contextId, reason);
  await parts.calls.end(contextId, 'carrier_failed');
}

async function closeEnded(parts: PlaceCallsParts, contextId: ContextId): Promise<void> {
  const context = await parts.calls.find(contextId);
  if (context?.status !== 'pending') await parts.outbound.close(contextId, null);
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
