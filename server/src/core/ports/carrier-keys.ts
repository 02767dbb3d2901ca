import type { CallContext } from '../call/call-context.ts';
import type { OpenCredential } from '../credential/credential.ts';

/** A live call and the account it runs over; null where it has none. */
export type KeyLine = { readonly context: CallContext; readonly credential: OpenCredential | null };

/** Sends keys to the other side over the carrier's own interface, for media that cannot carry them. */
export interface CarrierKeys {
  /** Why keys cannot be sent on this call; null when they can. */
  objection(line: KeyLine): string | null;
  /** @param digits 0-9*#A-D. Resolves once they were sent. @throws AppError carrier_failed. */
  send(line: KeyLine, digits: string, signal: AbortSignal): Promise<void>;
}
