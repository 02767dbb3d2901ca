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

  /**
   * Takes a PRACK, and answers it: 481 when it names no response of ours. Its 200 goes out before what has waited for it, so that
   * a 200 of the INVITE does not pass it.
   */
  confirm(prack: SipRequest, answer: (status: 200 | 481) => void): void {
    const rack = rackOf(prack);
    const { cseq } = this.#transaction.request;
    const isMeant = rack?.rseq === this.#rseq && rack.cseq === cseq.number && rack.method === cseq.method;
    if (!this.#isOnItsWay || !isMeant) {
      answer(481);
      return;
    }
    this.stop();
    this.#rseq++;
    answer(200);
    while (!this.#isOnItsWay) {
      const next = this.#waiting.shift();
      if (!next) break;
      next();
    }
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
