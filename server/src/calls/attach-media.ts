import type { Conversation } from '../conversation/conversation.ts';
import type { ConversationRecorder } from '../conversation/conversation-recorder.ts';
import type { ClaimedContext } from '../core/call/call-context.ts';
import { toAppError } from '../core/errors.ts';
import type { MediaArrival } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { MediaTransport } from '../core/ports/media-transport.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { CallJournal } from './call-journal.ts';
import type { ClaimParts } from './claim-context.ts';
import { CLAIM_TIMEOUT_MS, claimContext } from './claim-context.ts';
import type { HeldCalls } from './held-calls.ts';
import type { LiveCalls } from './live-calls.ts';

export type AttachMediaParts = ClaimParts & {
  readonly liveCalls: LiveCalls;
  readonly journal: CallJournal;
  /** Where calls are opened for media that is on its way here. */
  readonly heldCalls?: Pick<HeldCalls, 'take'>;
  /** @throws when the assistant's settings cannot be turned into a conversation. */
  readonly startConversation: (
    context: ClaimedContext,
    media: MediaTransport,
    recorder: ConversationRecorder,
  ) => Promise<Conversation>;
  readonly log: EventLog;
  readonly metrics: Metrics;
};

/**
 * Phase 2: media has arrived and named its call. Claims the context, exactly once whoever else tries, unless it is held here
 * since it was opened, and starts the conversation. @throws AppError; the media is then the caller's to close.
 */
export async function attachMedia(parts: AttachMediaParts, arrival: MediaArrival): Promise<void> {
  const held = parts.heldCalls?.take(arrival.contextId);
  using _slot = held?.slot ?? parts.liveCalls.reserve();
  const context = held?.context ?? (await claimOrGiveUp(parts, arrival));
  const startedAtMs = parts.clock.nowMs();
  const conversation = await start(parts, context, arrival.media);
  const { contextId, assistantId, channel } = context;
  parts.log.info('call.started', { contextId, assistantId, channel });
  parts.metrics.count('calls_started_total', { channel });
  const ended = conversation.ended.then((reason) => {
    parts.journal.end(contextId, reason).catch(() => undefined);
    const seconds = (parts.clock.nowMs() - startedAtMs) / 1000;
    parts.log.info('call.ended', { contextId, channel, reason, seconds: Math.round(seconds * 10) / 10 });
    parts.metrics.count('calls_ended_total', { channel, reason });
    parts.metrics.observe('call_duration_seconds', seconds, { channel });
  });
  parts.liveCalls.add({ contextId, end: (reason) => conversation.end(reason), ended });
}

/**
 * Where the database failed or did not answer, it may have carried the claim out, or may yet: then nobody would hold the call.
 * One that took too long is over for the caller; one that failed at once may be tried again.
 */
async function claimOrGiveUp(parts: AttachMediaParts, { contextId, channel }: MediaArrival): Promise<ClaimedContext> {
  const startedAtMs = parts.clock.nowMs();
  try {
    return await claimContext(parts, contextId, channel);
  } catch (error) {
    if (toAppError(error).code === 'database_unavailable') {
      const isPendingKept = parts.clock.nowMs() - startedAtMs < CLAIM_TIMEOUT_MS;
      parts.journal.giveUp(contextId, { nodeId: parts.nodeId, isPendingKept }).catch(() => undefined);
    }
    throw error;
  }
}

async function start(parts: AttachMediaParts, context: ClaimedContext, media: MediaTransport): Promise<Conversation> {
  const { contextId } = context;
  try {
    return await parts.startConversation(context, media, parts.journal.open(contextId));
  } catch (error) {
    const reason = toAppError(error);
    parts.log.error('call.start_failed', { contextId, code: reason.code }, error);
    const isProvider = reason.code === 'provider_failed' || reason.code === 'provider_refused';
    parts.journal.end(contextId, isProvider ? 'provider_failed' : 'error').catch(() => undefined);
    throw reason;
  }
}
