import type { Selectable } from 'kysely';
import type { Call } from '../../core/call/call.ts';
import type { CallContext } from '../../core/call/call-context.ts';
import type { CallEvent, CallTurn, TurnWaterfall } from '../../core/call/call-record.ts';
import type {
  AssistantId,
  ContextId,
  ConversationId,
  CredentialId,
  DeploymentId,
  NodeId,
  ProjectId,
} from '../../core/ids.ts';
import type { CallEventRow, CallRow, CallTurnRow } from './schema.ts';

type Row = Selectable<CallRow>;

const CONTEXT_FIELDS = [
  'context_id',
  'conversation_id',
  'attempt',
  'project_id',
  'assistant_id',
  'assistant_version',
  'deployment_id',
  'credential_id',
  'channel',
  'direction',
  'from_number',
  'to_number',
  'provider_call_id',
  'unverified',
  'args',
  'metadata',
  'context_status',
  'expires_at',
  'claimed_by',
] as const;

/** Of a call's row, what its context is made of. */
export type ContextRow = Pick<Row, (typeof CONTEXT_FIELDS)[number]>;

/** The columns of a `ContextRow`, for a RETURNING: by name, because a prepared `*` fails once a migration adds a column. */
export const CONTEXT_COLUMNS = CONTEXT_FIELDS.map((field) => `calls.${field}`).join(', ');

const SHARED = (row: ContextRow) => ({
  contextId: row.context_id as ContextId,
  conversationId: row.conversation_id as ConversationId,
  attempt: row.attempt,
  projectId: row.project_id as ProjectId,
  assistantId: row.assistant_id as AssistantId,
  assistantVersion: row.assistant_version,
  deploymentId: row.deployment_id as DeploymentId | null,
  channel: row.channel,
  direction: row.direction,
  from: row.from_number,
  to: row.to_number,
  providerCallId: row.provider_call_id,
  isUnverified: row.unverified,
});

export function toContext(row: ContextRow): CallContext {
  return {
    ...SHARED(row),
    credentialId: row.credential_id as CredentialId | null,
    args: row.args,
    metadata: row.metadata,
    status: row.context_status,
    expiresAt: row.expires_at,
    claimedBy: row.claimed_by as NodeId | null,
  };
}

export function toCall(row: Row): Call {
  return {
    ...SHARED(row),
    status: row.status,
    endReason: row.end_reason,
    createdAt: row.created_at,
    answeredAt: row.answered_at,
    endedAt: row.ended_at,
  };
}

export function toTurn(row: Selectable<CallTurnRow>): CallTurn {
  return {
    index: row.index,
    role: row.role,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    text: row.text,
    heardText: row.heard_text,
    wasInterrupted: row.was_interrupted,
    source: row.source,
    waterfall: row.waterfall as TurnWaterfall | null,
  };
}

export function toEvent(row: Selectable<CallEventRow>): CallEvent {
  const event = { atMs: row.at_ms, type: row.type };
  return row.data === null ? event : { ...event, data: row.data as NonNullable<CallEvent['data']> };
}
