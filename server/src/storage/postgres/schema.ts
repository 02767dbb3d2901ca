import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { AssistantSettings } from '../../core/assistant/assistant-settings.ts';
import type { CallDirection, CallStatus, ChannelName, EndReason } from '../../core/call/call.ts';
import type { ContextStatus } from '../../core/call/call-context.ts';
import type { TransferFailure, TransferState } from '../../core/call/transfer.ts';
import type { FieldValues } from '../../core/form/field.ts';
import type { NumberListName } from '../../core/number-list/number-list.ts';
import type { ApiKeyScope } from '../../core/project/project.ts';

/** A bigint: a decimal string on both sides, exact beyond 2^53. */
type Id = string;
type GeneratedId = ColumnType<string, string | undefined, never>;
type Json<Value extends object | null> = JSONColumnType<Value, string, string>;
type Timestamp = ColumnType<Date, Date | undefined, Date>;
type MaybeTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;

export type ProjectRow = { id: GeneratedId; name: string; created_at: Timestamp };

export type AssistantRow = {
  id: Id;
  project_id: Id;
  name: string;
  published_version: number;
  latest_version: number;
  created_at: Timestamp;
  max_concurrent_calls: ColumnType<number | null, number | null | undefined, number | null>;
};

export type AssistantVersionRow = {
  assistant_id: Id;
  version: number;
  settings: Json<AssistantSettings>;
  created_at: Timestamp;
};

export type ApiKeyRow = {
  id: string;
  project_id: Id;
  name: string;
  prefix: string;
  scopes: ApiKeyScope[];
  hash: Buffer;
  seal_algorithm: 'A256GCM.v1' | null;
  seal_key_id: string | null;
  seal_wrapped_key: Buffer | null;
  sealed: Buffer | null;
  created_at: Timestamp;
  expires_at: MaybeTimestamp;
  revoked_at: MaybeTimestamp;
};

export type NumberListRow = {
  id: string;
  project_id: Id;
  list: NumberListName;
  number: string;
  note: string;
  created_at: Timestamp;
  position: GeneratedId;
};

export type CredentialRow = {
  id: string;
  project_id: Id;
  provider: string;
  name: string;
  /** Values as they may be shown. */
  shown: Json<FieldValues>;
  seal_algorithm: 'A256GCM.v1';
  seal_key_id: string;
  seal_wrapped_key: Buffer;
  sealed: Buffer;
  next_dial_at: Timestamp;
  created_at: Timestamp;
  updated_at: Timestamp;
};

export type DeploymentRow = {
  id: string;
  project_id: Id;
  assistant_id: Id;
  channel: ChannelName;
  name: string;
  number: string | null;
  comparable_number: string | null;
  credential_id: string | null;
  settings: Json<FieldValues>;
  is_enabled: boolean;
  created_at: Timestamp;
  updated_at: Timestamp;
};

export type AuditEntryRow = {
  id: GeneratedId;
  project_id: Id;
  api_key_id: string | null;
  action: string;
  subject: string;
  detail: Json<Record<string, string | number | boolean | null>>;
  created_at: Timestamp;
};

export type IdempotencyKeyRow = {
  project_id: Id;
  key: string;
  request_hash: Buffer;
  resource_id: string;
  status: number | null;
  response: Json<Record<string, unknown> | null>;
  created_at: Timestamp;
};

/** The order to place a call: beside the call's own row, so that it can be leased and taken over. */
export type OutboundCallRow = {
  context_id: string;
  project_id: Id;
  deployment_id: string;
  credential_id: string;
  options: Json<Record<string, unknown>>;
  state: Generated<'queued' | 'placing' | 'placed' | 'done'>;
  attempt: Generated<number>;
  lease_owner: string | null;
  lease_until: MaybeTimestamp;
  not_before: Timestamp;
  placing_since: MaybeTimestamp;
  placed_at: MaybeTimestamp;
  last_error: string | null;
  created_at: Timestamp;
};

/** A call and the context it is reached by: one row, so that every change of both is one write. */
export type CallRow = {
  context_id: string;
  /** Grows with time: what pages are cut by. */
  position: GeneratedId;
  conversation_id: Id;
  attempt: number;
  project_id: Id;
  assistant_id: Id;
  assistant_version: number;
  deployment_id: string | null;
  credential_id: string | null;
  channel: ChannelName;
  direction: CallDirection;
  from_number: string | null;
  to_number: string | null;
  provider_call_id: string | null;
  /** Served without a proof of where it came from. */
  unverified: Generated<boolean>;
  args: Json<Record<string, unknown>>;
  metadata: Json<Record<string, unknown>>;
  context_status: Generated<ContextStatus>;
  expires_at: Timestamp;
  claimed_by: string | null;
  claimed_at: MaybeTimestamp;
  status: Generated<CallStatus>;
  end_reason: EndReason | null;
  dtmf: Generated<string>;
  created_at: Timestamp;
  answered_at: MaybeTimestamp;
  ended_at: MaybeTimestamp;
};

export type CallTurnRow = {
  context_id: string;
  index: number;
  role: 'assistant' | 'caller';
  started_at_ms: number;
  ended_at_ms: number;
  text: string;
  heard_text: string;
  was_interrupted: boolean;
  source: 'speech' | 'digits';
  waterfall: Json<object | null>;
};

export type CallEventRow = {
  context_id: string;
  seq: number;
  at_ms: number;
  type: string;
  data: Json<object | null>;
};

export type CallTransferRow = {
  transfer_id: string;
  context_id: string;
  conversation_id: Id;
  project_id: Id;
  to_number: string;
  state: Generated<TransferState>;
  failure: TransferFailure | null;
  is_handed_over: Generated<boolean>;
  bookmark: Json<object | null>;
  return_context_id: string | null;
  asked_at: Timestamp;
  dialling_at: MaybeTimestamp;
  over_at: MaybeTimestamp;
};

export type NodeRow = {
  id: string;
  host: string;
  pid: number;
  url: string;
  /** Where `pid` means something; see processSpace. */
  process_space: string;
  /** Tells the process from a later one with its id; see processStartTime. */
  process_started: string | null;
  active_calls: number;
  started_at: Timestamp;
  heartbeat_at: Timestamp;
};

/** Random bytes all nodes share, each made by whoever asks first: the key of SIP nonces for one. */
export type SharedSecretRow = { name: string; value: Buffer; created_at: Timestamp };

/** The tables, as the newest migration leaves them. */
export type DatabaseSchema = {
  projects: ProjectRow;
  assistants: AssistantRow;
  assistant_versions: AssistantVersionRow;
  api_keys: ApiKeyRow;
  credentials: CredentialRow;
  deployments: DeploymentRow;
  number_lists: NumberListRow;
  audit_entries: AuditEntryRow;
  idempotency_keys: IdempotencyKeyRow;
  outbound_calls: OutboundCallRow;
  calls: CallRow;
  call_turns: CallTurnRow;
  call_events: CallEventRow;
  call_transfers: CallTransferRow;
  nodes: NodeRow;
  shared_secrets: SharedSecretRow;
};
