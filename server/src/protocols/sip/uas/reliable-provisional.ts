import type { Clock, Timer } from '../environment.ts';
import { type SipRequest, type SipResponse, withHeader } from '../message/message.ts';
import { rackOf } from '../message/typed-headers.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { T1_MS, TIMEOUT_MS } from '../transaction/timers.ts';

/**
 * Provisional responses the peer confirms (RFC 3262, 3): each has the next RSeq and is sent again at T1, doubling, until its PRACK.
 * One is on its way at a time; those that follow wait.
 */
export class ReliableProvisionals {
  readonly #transaction: ServerTransaction;
  readonly #clock: Clock;
  readonly #unconfirmed: () => void;
  readonly #waiting: (() => void)[] = [];
  #rseq: number;
  #isOnItsWay = false;
  #repeat: Timer | undefined;
  #deadline: Timer | undefined;

  /** `firstRseq` is random, 1 to 2^31-1; `unconfirmed` is called when 64*T1 pass without a PRACK. */
  constructor(transaction: ServerTransaction, options: { clock: Clock; firstRseq: number; unconfirmed: () => void }) {
    this.#transaction = transaction;
    this.#clock = options.clock;
    this.#rseq = options.firstRseq;
    this.#unconfirmed = options.unconfirmed;
  }

  send(response: SipResponse): void {
    this.whenConfirmed(() => this.#begin(response));
  }

  /** Runs `action` once no PRACK is outstanding: a 200 may not pass a session description that is unconfirmed. */
  whenConfirmed(action: () => void): void {
    if (this.#isOnItsWay) this.#waiting.push(action);
    else action();
  }

  /** Takes a PRACK: false when it names no response of ours, which is answered 481. */
  confirm(prack: SipRequest): boolean {
    const rack = rackOf(prack);
    const { cseq } = this.#transaction.request;
    if (!this.#isOnItsWay || rack?.rseq !== this.#rseq || rack.cseq !== cseq.number || rack.method !== cseq.method)
      return false;
    this.stop();
    this.#rseq++;
    while (!this.#isOnItsWay) {
      const next = this.#waiting.shift();
      if (!next) break;
      next();
    }
    return true;
  }

  stop(): void {
    this.#isOnItsWay = false;
    this.#repeat?.cancel();
    this.#deadline?.cancel();
  }

  #begin(response: SipResponse): void {
    this.#isOnItsWay = true;
    const headers = withHeader(withHeader(response.headers, 'Require', '100rel'), 'RSeq', `${this.#rseq}`);
    this.#deadline = this.#clock.after(TIMEOUT_MS, () => {
      this.stop();
      this.#unconfirmed();
    });
    this.#transmit({ ...response, headers }, T1_MS);
  }

  #transmit(response: SipResponse, nextMs: number): void {
    this.#repeat = this.#clock.after(nextMs, () => this.#transmit(response, 2 * nextMs));
    this.#transaction.respond(response);
  }
}
