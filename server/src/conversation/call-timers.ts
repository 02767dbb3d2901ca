import type { Clock, Timer } from '../core/ports/clock.ts';

/** Named timers of one call: starting one again replaces it. */
export class CallTimers<Name extends string> {
  readonly #clock: Clock;
  readonly #onDue: (name: Name) => void;
  readonly #running = new Map<Name, Timer>();

  constructor(clock: Clock, onDue: (name: Name) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  start(name: Name, delayMs: number): void {
    this.cancel(name);
    const timer = this.#clock.after(delayMs, () => {
      this.#running.delete(name);
      this.#onDue(name);
    });
    this.#running.set(name, timer);
  }

  cancel(name: Name): void {
    this.#running.get(name)?.cancel();
    this.#running.delete(name);
  }

  cancelAll(): void {
    for (const timer of this.#running.values()) timer.cancel();
    this.#running.clear();
  }
}
