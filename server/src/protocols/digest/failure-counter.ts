/** What a source that keeps failing is met with. */
export type Patience = 'challenge' | 'refuse' | 'ignore';

const MAX_SOURCES = 10_000;
const FORGET_MS = 10 * 60_000;
const REFUSE_AT = 5;
const IGNORE_AT = 20;

/**
 * Counts failed authentications by source address: after 5 it is refused without a challenge, after 20 not answered at all, until
 * it has been quiet for ten minutes. Bounded; the source quiet for longest is forgotten first.
 */
export class FailureCounter {
  readonly #failures = new Map<string, { count: number; atMs: number }>();

  patience(source: string, nowMs: number): Patience {
    const known = this.#failures.get(source);
    if (!known || nowMs - known.atMs >= FORGET_MS) return 'challenge';
    if (known.count >= IGNORE_AT) return 'ignore';
    return known.count >= REFUSE_AT ? 'refuse' : 'challenge';
  }

  failed(source: string, nowMs: number): void {
    const known = this.#failures.get(source);
    const isOld = !known || nowMs - known.atMs >= FORGET_MS;
    this.#failures.delete(source);
    this.#failures.set(source, { count: isOld ? 1 : known.count + 1, atMs: nowMs });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_SOURCES && oldest !== undefined) this.#failures.delete(oldest);
  }

  /** It knew a secret after all. */
  succeeded(source: string): void {
    this.#failures.delete(source);
  }
}
