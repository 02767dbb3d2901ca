import { AppError } from '../../core/errors.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';

export type PatienceOptions = {
  readonly clock: Clock;
  /** For the message. */
  readonly provider: string;
  /** How long the first byte may take, and how long the silence between two parts. */
  readonly limitMs: number;
};

/** A request's time limit: aborts its signal when nothing was heard for too long, or when one of the given signals aborts. */
export class Patience implements Disposable {
  readonly #options: PatienceOptions;
  readonly #late = new AbortController();
  readonly signal: AbortSignal;
  #timer: Timer | undefined;

  constructor(options: PatienceOptions, ...signals: AbortSignal[]) {
    this.#options = options;
    this.signal = AbortSignal.any([this.#late.signal, ...signals]);
    this.heard();
  }

  /** Something came: the time starts anew. */
  heard(): void {
    const { clock, limitMs, provider } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after(limitMs, () => {
      this.#late.abort(new AppError('provider_failed', { detail: `${provider} sent nothing for ${limitMs} ms` }));
    });
  }

  /** Stops the clock and whatever still runs on the signal. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#late.abort();
  }
}
