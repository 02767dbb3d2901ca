import type { OpenCredential } from '../credential/credential.ts';
import type { FieldValues } from '../form/field.ts';
import type { AssistantId, ContextId, ConversationId } from '../ids.ts';

/** A call to be placed: the context exists, and media will come for it once the callee has answered. */
export type DialOrder = {
  readonly contextId: ContextId;
  readonly conversationId: ConversationId;
  readonly assistantId: AssistantId;
  readonly credential: OpenCredential;
  readonly settings: FieldValues;
  readonly to: string;
  readonly from: string | null;
  readonly ringTimeoutSeconds: number;
  readonly maxDurationSeconds: number;
  /** Ask the carrier whether a machine answered. */
  readonly hasMachineDetection: boolean;
  readonly publicHost: string | null;
};

export type DialOutcome =
  | { readonly type: 'placed'; readonly providerCallId: string }
  /** Nothing was placed for sure. `isRetryable`: the same order may succeed after `retryAfterSeconds`. */
  | {
      readonly type: 'refused';
      readonly isRetryable: boolean;
      readonly retryAfterSeconds: number | null;
      readonly detail: string;
    }
  /** The answer was lost: it may ring. Never to be repeated before `find` has said no. */
  | { readonly type: 'unknown'; readonly detail: string };

/** Places calls over a carrier's REST interface. */
export interface Dialer {
  /** What the carrier wants between two calls of an account; 0: nothing. */
  readonly spacingMs: number;
  /** Some calls can be placed without an account: those to phones that have registered here. */
  readonly needsNoAccount?: true;
  /** Why this order cannot be placed as it stands; null when it can. Asked before anything is stored. */
  objection(order: Pick<DialOrder, 'to' | 'from' | 'credential' | 'publicHost' | 'settings'>): string | null;
  /** Never throws. */
  dial(order: DialOrder, signal: AbortSignal): Promise<DialOutcome>;
  /**
   * Ids of calls that an order with a lost answer may have placed, likeliest first; where the carrier cannot tell orders
   * apart, calls of other orders are among them. Empty: there is none, for sure.
   * @throws AppError carrier_failed when the carrier does not say.
   */
  find(order: DialOrder, placedAfter: Date, signal: AbortSignal): Promise<readonly string[]>;
  /** Ends a call; one that is over already is fine. @throws AppError carrier_failed. */
  hangUp(credential: OpenCredential, providerCallId: string, signal: AbortSignal): Promise<void>;
  /** The record of a call was closed, maybe on another node: where this process itself lets it ring, it stops. */
  ended?(contextId: ContextId): void;
}
