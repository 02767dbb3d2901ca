import type { Call, CallStatus, ChannelName, EndReason } from '../call/call.ts';
import type { CallContext, ClaimedContext } from '../call/call-context.ts';
import type { CallEvent, CallTurn } from '../call/call-record.ts';
import type { Transfer } from '../call/transfer.ts';
import type { AssistantId, ContextId, NodeId, ProjectId } from '../ids.ts';

export type NewContext = Omit<CallContext, 'status' | 'claimedBy' | 'attempt' | 'expiresAt'> & {
  readonly ttlMs: number;
  /** Incoming calls of the assistant that may be open with this one; left out or null: no limit. */
  readonly maxOpenCalls?: number | null;
  /** The node that has the call's media in hand already: a new context is claimed by it and its call `live` from the start. */
  readonly claimFor?: NodeId;
};

/** Which call a repeated webhook means. */
export type ProviderCallKey = {
  readonly projectId: ProjectId;
  readonly assistantId: AssistantId;
  readonly channel: ChannelName;
  readonly providerCallId: string;
};

export type OpenedContext = {
  readonly context: CallContext;
  readonly isNew: boolean;
  /** The context once more, where it is new and was to be claimed. */
  readonly claimed?: ClaimedContext;
};

/** Calls and the contexts they are reached by: one row each, written together. */
export interface CallRepository {
  /**
   * Makes the pending context and its call row (status `ringing`) in one statement. With a providerCallId that has a
   * pending or live context, that one is returned instead; after it ended, `attempt` rises and conversationId is kept.
   * @throws AppError limit_reached when the assistant has `maxOpenCalls` others open.
   */
  open(context: NewContext): Promise<OpenedContext>;
  /** pending -> claimed by one conditional UPDATE; the call becomes `live`. @throws AppError context_not_found, context_claimed, context_expired. */
  claim(contextId: ContextId, channel: ChannelName, nodeId: NodeId): Promise<ClaimedContext>;
  /** What phase 2 may say before the upgrade; reads only. */
  find(contextId: ContextId): Promise<CallContext | null>;
  /** The newest context of a carrier's call, over all assistants; of one project, where one is given. */
  findByProviderCall(channel: ChannelName, providerCallId: string, projectId?: ProjectId): Promise<CallContext | null>;
  /** How many unverified calls an assistant has: open now, and opened within the last hour. */
  countUnverified(assistantId: AssistantId): Promise<{ readonly open: number; readonly lastHour: number }>;
  /** Moves a call that is not terminal forward; false when it already ended. */
  setStatus(contextId: ContextId, status: Exclude<CallStatus, 'ended' | 'failed'>): Promise<boolean>;
  /**
   * The one terminal write; false when another was first. The context ends with it.
   * @param options.wasAnswered false: it was claimed from the start, and ended before anybody answered it.
   */
  end(contextId: ContextId, reason: EndReason, options?: { readonly wasAnswered?: boolean }): Promise<boolean>;
  /** The same for calls of the journal, in one statement; those that have ended stay as they are. */
  endAll(endings: readonly CallEnding[]): Promise<void>;
  /**
   * Ends a call as `never_connected` that this node claimed without learning of it; false when another node holds it.
   * @param options.isPendingKept a call that nobody claimed may still be: the claim failed at once and may be tried again.
   */
  giveUp(contextId: ContextId, nodeId: NodeId, options: { readonly isPendingKept: boolean }): Promise<boolean>;
  /** Adds what a carrier told, on whatever node; false when the same was told before, or there is no such call. */
  note(contextId: ContextId, event: Pick<CallEvent, 'type' | 'data'>): Promise<boolean>;
  /** Adds turns and events; a repeated (contextId, index) is the same row. */
  append(batch: readonly CallRecordBatch[]): Promise<void>;
  list(query: CallQuery): Promise<CallPage>;
  get(projectId: ProjectId, contextId: ContextId): Promise<CallDetail | null>;
}

export type CallEnding = { readonly contextId: ContextId; readonly reason: EndReason };

export type CallRecordBatch = {
  readonly contextId: ContextId;
  readonly turns: readonly CallTurn[];
  /** `seq` counts a call's events from 0. */
  readonly events: readonly (CallEvent & { readonly seq: number })[];
  /** Keys the caller pressed so far, in order. */
  readonly dtmf: string;
};

export type CallQuery = {
  readonly projectId: ProjectId;
  /** 1 to 200 */
  readonly limit: number;
  readonly cursor?: string;
  readonly status?: CallStatus;
  readonly assistantId?: AssistantId;
};
/** Newest first. */
export type CallPage = { readonly calls: readonly Call[]; readonly nextCursor: string | null };
export type CallDetail = {
  readonly call: Call;
  readonly dtmf: string;
  readonly turns: readonly CallTurn[];
  readonly events: readonly CallEvent[];
  /** In the order they were asked for. */
  readonly transfers: readonly Transfer[];
};
