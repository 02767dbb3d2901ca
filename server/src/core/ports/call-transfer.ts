import type { CallContext } from '../call/call-context.ts';
import type { TransferFailure } from '../call/transfer.ts';
import type { OpenCredential } from '../credential/credential.ts';
import type { FieldValues } from '../form/field.ts';

/** A live call whose caller is to be handed to somebody else. */
export type TransferOrder = {
  readonly context: CallContext;
  /** The call's account; null where it has none. */
  readonly credential: OpenCredential | null;
  /** Of the call's deployment, empty where it has none. */
  readonly settings: FieldValues;
  /** Checked: E.164 over a carrier; on a PBX also an extension, over SIP also a SIP URI. From the assistant's settings, never a model's own. */
  readonly to: string;
  readonly ringTimeoutSeconds: number;
  readonly publicHost: string | null;
};

export type { TransferFailure } from '../call/transfer.ts';

export type TransferOutcome =
  /** The other side answered and talks with the caller; our media leg ends, if it has not yet. */
  | { readonly type: 'connected' }
  /** The carrier dials on its own and our media leg ends; how it went comes as a CallReport, and a call that failed may come back. */
  | { readonly type: 'handed_over' }
  /** The caller is still with us, or hung up meanwhile. */
  | { readonly type: 'failed'; readonly reason: TransferFailure; readonly detail: string };

/** Hands live calls over, as this kind of line does it. */
export interface CallTransfer {
  /** Why calls like this one cannot be handed over as things stand; null when they can. Asked before a brain is told that it may. */
  objection(order: Omit<TransferOrder, 'to' | 'ringTimeoutSeconds'>): string | null;
  /**
   * Resolves once it is known what became of it. Never throws. `signal` aborts when our media leg ends (the caller hung up, or
   * the carrier took the call over as asked) or when the transfer is to be taken back: what can still be taken back is, and it
   * resolves soon, `failed` as `cancelled` where nobody has the caller.
   */
  transfer(order: TransferOrder, signal: AbortSignal): Promise<TransferOutcome>;
}
