import { AppError } from '../../core/errors.ts';
import type { ContextId } from '../../core/ids.ts';
import type { DialOrder, DialOutcome } from '../../core/ports/dialer.ts';
import { OutboundCall, type OutboundCallParts } from './outbound-call.ts';
import type { Route } from './outbound-route.ts';

/** The calls this process has placed and not ended. Their signalling and media are its own: they end with it. */
export class OutboundCalls {
  readonly #parts: OutboundCallParts;
  readonly #calls = new Map<ContextId, OutboundCall>();
  #isDraining = false;

  constructor(parts: OutboundCallParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** @see Dialer.dial */
  async dial(order: DialOrder, route: Route, signal: AbortSignal): Promise<DialOutcome> {
    const { contextId } = order;
    const known = this.#calls.get(contextId);
    if (known) return { type: 'placed', providerCallId: known.providerCallId };
    if (this.#isDraining)
      return { type: 'refused', isRetryable: true, retryAfterSeconds: 1, detail: 'this server is shutting down' };
    const call: OutboundCall = new OutboundCall(this.#parts, order, route, () => this.#remove(call));
    this.#calls.set(contextId, call);
    const outcome = await call.dial(signal);
    // It may be ordered again, while this one still waits to be taken back.
    if (outcome.type === 'refused') this.#remove(call);
    return outcome;
  }

  /** @throws AppError carrier_failed for a call that another process has placed, or this one before it was started anew. */
  find(contextId: ContextId): readonly string[] {
    const call = this.#calls.get(contextId);
    if (call) return [call.providerCallId];
    throw new AppError('carrier_failed', { detail: 'the call was placed by another process' });
  }

  at(contextId: ContextId): OutboundCall | undefined {
    return this.#calls.get(contextId);
  }

  /** Its record is closed: it need not ring any longer. A call that talks is its conversation's. */
  ended(contextId: ContextId): void {
    this.#calls.get(contextId)?.forget();
  }

  hangUp(providerCallId: string): void {
    for (const call of this.#calls.values()) if (call.providerCallId === providerCallId) call.forget();
  }

  /** Places no more, and takes back what rings: whoever answered would find nobody. */
  drain(): void {
    this.#isDraining = true;
    for (const call of [...this.#calls.values()]) call.cancel('drained');
  }

  /** BYE to all. */
  close(): void {
    this.drain();
    for (const call of [...this.#calls.values()]) call.leg.hangUp();
  }

  #remove(call: OutboundCall): void {
    if (this.#calls.get(call.contextId) === call) this.#calls.delete(call.contextId);
  }
}
