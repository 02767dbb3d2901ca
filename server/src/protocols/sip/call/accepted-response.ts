import type { Clock, Timer } from '../environment.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { T1_MS, T2_MS, TIMEOUT_MS } from '../transaction/timers.ts';

export type AcceptedHandlers = {
  readonly acknowledged: (ack: SipRequest) => void;
  /** 64*T1 passed: the session is to be ended with a BYE. */
  readonly unacknowledged: () => void;
};

const NOTHING = () => {};

/**
 * A 2xx to an INVITE on its way (RFC 3261, 13.3.1.4): the user agent sends it again at T1, doubling to T2, on any transport, until
 * its ACK comes or 64*T1 have passed. It listens for the ACK from before the first sending.
 */
export class AcceptedResponse {
  readonly #transaction: ServerTransaction;
  readonly #response: SipResponse;
  readonly #clock: Clock;
  readonly #handlers: AcceptedHandlers;
  #repeat: Timer | undefined;
  #deadline: Timer | undefined;
  #isDone = false;

  constructor(
    transaction: ServerTransaction,
    response: SipResponse,
    tools: { clock: Clock; handlers: AcceptedHandlers },
  ) {
    this.#transaction = transaction;
    this.#response = response;
    this.#clock = tools.clock;
    this.#handlers = tools.handlers;
    transaction.onAck = (ack) => this.acknowledge(ack);
  }

  /** The CSeq number the ACK must carry. */
  get sequence(): number {
    return this.#response.cseq.number;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  send(): void {
    if (this.#isDone) return;
    this.#deadline = this.#clock.after(TIMEOUT_MS, () => {
      this.stop();
      this.#handlers.unacknowledged();
    });
    this.#transmit(T1_MS);
  }

  /** The ACK came; a repeated one changes nothing. */
  acknowledge(ack: SipRequest): void {
    if (this.#isDone) return;
    this.stop();
    this.#handlers.acknowledged(ack);
  }

  stop(): void {
    this.#isDone = true;
    this.#repeat?.cancel();
    this.#deadline?.cancel();
    // The transaction stays for 32 s, the call need not.
    this.#transaction.onAck = NOTHING;
  }

  #transmit(nextMs: number): void {
    this.#repeat = this.#clock.after(nextMs, () => this.#transmit(Math.min(2 * nextMs, T2_MS)));
    this.#transaction.respond(this.#response);
  }
}
