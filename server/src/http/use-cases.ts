import type { ReceiveCall } from '../calls/announced-call.ts';
import type { CarrierEvent } from '../calls/carrier-event.ts';
import type { PhoneCallWish } from '../calls/create-phone-call.ts';
import type { ChannelName } from '../core/call/call.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { ContextId, ProjectId } from '../core/ids.ts';
import type { CallDetail, CallPage, CallQuery } from '../core/ports/call-repository.ts';
import type { WebhookAnswer } from '../core/ports/channel.ts';
import type { Principal } from '../core/project/project.ts';

/** All the http room may ask of the product. Each may throw any AppError beside those named. */
export interface UseCases {
  /** @throws AppError in the contract's order of checks. */
  receiveCall(command: ReceiveCall): Promise<WebhookAnswer>;
  /** @throws AppError wrong_signature for a forged one; an authentic event of a call nobody knows is `unknown`. */
  recordCarrierEvent(event: CarrierEvent): Promise<'recorded' | 'unknown' | WebhookAnswer>;
  /** @throws AppError not_found where the channel does not ask that, wrong_signature. */
  tellTransferNumber(event: CarrierEvent): Promise<WebhookAnswer>;
  /** Whether media may come for this context; only reads. @throws AppError context_not_found, context_expired, context_claimed, draining. */
  checkContext(contextId: ContextId, channel: ChannelName): Promise<void>;
  /** null: no such key, or one that is revoked or past its time. */
  verifyApiKey(key: string): Promise<Principal | null>;
  /** Puts a call into the queue. @throws AppError saying what is wrong with the wish; draining. */
  createPhoneCall(wish: PhoneCallWish): Promise<CallContext>;
  /** Idempotent, whatever state the call is in. @throws AppError context_not_found. */
  endCall(projectId: ProjectId, contextId: ContextId): Promise<void>;
  /** @throws AppError invalid_parameters for a cursor that is none of ours. */
  listCalls(query: CallQuery): Promise<CallPage>;
  getCall(projectId: ProjectId, contextId: ContextId): Promise<CallDetail | null>;
  /** Resolves when calls can be served. @throws AppError saying what is missing: draining, database_unavailable … */
  checkReadiness(): Promise<void>;
}
