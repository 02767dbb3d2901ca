import type { EndReason } from '../call/call.ts';
import type { ApiKeyId, AssistantId, ContextId, ProjectId } from '../ids.ts';

/** What nodes tell each other. Ids only: whoever needs more reads it. */
export type BusMessage =
  /** The node that holds this call ends it. */
  | { readonly type: 'call.end'; readonly contextId: ContextId; readonly reason: EndReason }
  /** The call's row changed. */
  | { readonly type: 'call.changed'; readonly contextId: ContextId }
  /** A key was made or revoked: nothing remembered about it holds. */
  | { readonly type: 'api-key.changed'; readonly apiKeyId: ApiKeyId }
  | { readonly type: 'assistant.changed'; readonly assistantId: AssistantId }
  /** Credentials or deployments of a project changed. */
  | { readonly type: 'project.changed'; readonly projectId: ProjectId };

export interface BusListener {
  message(message: BusMessage): void;
  /** The connection was lost and is back: messages may be missing, so what depends on them has to be read anew. */
  resync(): void;
}

/**
 * Short messages to all nodes, this one included, in the order of publishing by one node. At most once: they are lost
 * while a node is away from the database. The truth is in the rows; this only says when to look.
 */
export interface EventBus extends AsyncDisposable {
  /** @throws AppError database_unavailable when it cannot be sent now. */
  publish(message: BusMessage): Promise<void>;
  /** Returns the way to stop listening. Listeners must not throw. */
  subscribe(listener: BusListener): () => void;
}
