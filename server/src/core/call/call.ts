import type { AssistantId, ContextId, ConversationId, DeploymentId, ProjectId } from '../ids.ts';

export const CALL_STATUSES = ['queued', 'ringing', 'live', 'ended', 'failed'] as const;
/** `ended` and `failed` are terminal: a call gets exactly one of them, once. */
export type CallStatus = (typeof CALL_STATUSES)[number];

export const END_REASONS = [
  'caller_hung_up',
  'assistant_hung_up',
  'transferred',
  'idle',
  'max_duration',
  'rejected',
  'busy',
  'no_answer',
  'cancelled',
  'carrier_failed',
  'machine',
  'never_connected',
  'media_lost',
  'media_failed',
  'provider_failed',
  'over_capacity',
  'drained',
  'node_lost',
  'error',
] as const;
export type EndReason = (typeof END_REASONS)[number];

const FAILURES: ReadonlySet<EndReason> = new Set([
  'rejected',
  'busy',
  'no_answer',
  'cancelled',
  'carrier_failed',
  'never_connected',
  'media_failed',
  'over_capacity',
  'node_lost',
  'error',
]);

/** The terminal status that goes with a reason: `failed` when no proper conversation came to its end. */
export function terminalStatus(reason: EndReason): 'ended' | 'failed' {
  return FAILURES.has(reason) ? 'failed' : 'ended';
}

export const CHANNEL_NAMES = ['twilio', 'vonage', 'exotel', 'asterisk', 'sip', 'web'] as const;
export type ChannelName = (typeof CHANNEL_NAMES)[number];
export type CallDirection = 'inbound' | 'outbound';

/** One row a call: it exists from phase 1 on and is never lost. */
export type Call = {
  readonly contextId: ContextId;
  readonly conversationId: ConversationId;
  readonly attempt: number;
  readonly projectId: ProjectId;
  readonly assistantId: AssistantId;
  readonly assistantVersion: number;
  readonly deploymentId: DeploymentId | null;
  readonly channel: ChannelName;
  readonly direction: CallDirection;
  /** As the carrier gave it, trimmed; null for an anonymous caller. */
  readonly from: string | null;
  readonly to: string | null;
  readonly providerCallId: string | null;
  /** Served without a proof of where it came from. */
  readonly isUnverified: boolean;
  readonly status: CallStatus;
  readonly endReason: EndReason | null;
  readonly createdAt: Date;
  readonly answeredAt: Date | null;
  readonly endedAt: Date | null;
};
