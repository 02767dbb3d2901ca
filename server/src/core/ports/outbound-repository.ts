import type { OutboundCall, OutboundOptions } from '../call/outbound-call.ts';
import type { ContextId, CredentialId, DeploymentId, NodeId } from '../ids.ts';
import type { NewContext, OpenedContext } from './call-repository.ts';
import type { PlacedCall } from './channel.ts';

/** How many calls a line may place. */
export type DialLimits = {
  readonly deploymentId: DeploymentId;
  readonly credentialId: CredentialId;
  readonly maxPerMinute: number;
  readonly maxConcurrent: number;
  /** The carrier's own pace for the account: at least this much between two calls. */
  readonly spacingMs: number;
};

/** Work orders for calls to be placed: rows with an owner and an expiry, so that a dead node's work is taken over. */
export interface OutboundRepository {
  /** The call (status `queued`), its order and the wake-up, in one transaction. A repeated contextId is the same call. @throws AppError limit_reached beyond `maxPerDay`. */
  enqueue(order: {
    readonly context: NewContext;
    readonly deploymentId: DeploymentId;
    readonly credentialId: CredentialId;
    readonly options: OutboundOptions;
    /** Orders of the deployment within 24 hours, this one included; left out: no limit. */
    readonly maxPerDay?: number;
  }): Promise<OpenedContext>;
  /** What a call was ordered with; null for one that we did not place. */
  optionsOf(contextId: ContextId): Promise<OutboundOptions | null>;
  /** Leases one order that is due, or whose lease ran out; the named one, or any. Null when there is none. */
  take(nodeId: NodeId, leaseMs: number, contextId?: ContextId): Promise<OutboundCall | null>;
  /** Milliseconds this order has to wait for the limits; 0: it may go, and is counted. */
  reserve(contextId: ContextId, limits: DialLimits): Promise<number>;
  /** The carrier is about to be asked: from now on it may ring. False when the lease was lost or the call is over. */
  placing(contextId: ContextId, nodeId: NodeId): Promise<boolean>;
  /** Back into the queue. `isUnasked`: nothing was placed for sure, so nothing has to be looked for; without an error it was no attempt. */
  release(
    contextId: ContextId,
    nodeId: NodeId,
    wish: { readonly afterMs: number; readonly isUnasked: boolean; readonly error: string | null },
  ): Promise<void>;
  /** The carrier has it: the call rings. False when the call ended meanwhile: it is to be hung up. */
  placed(contextId: ContextId, providerCallId: string, answerWithinMs: number): Promise<boolean>;
  /** Nothing more is to be done for this order. */
  close(contextId: ContextId, error: string | null): Promise<void>;
  /** Calls that were placed over these accounts and whose audio has not come yet. */
  placedOver(credentialIds: readonly CredentialId[]): Promise<readonly PlacedCall[]>;
  /** Placed calls that nobody answered in their time. */
  unanswered(graceMs: number): Promise<readonly ContextId[]>;
}
