import { isIP } from 'node:net';
import { FailureCounter, type Patience } from '../../protocols/digest/failure-counter.ts';
import { plainAddress } from './advertised-address.ts';

/** Whoever proved to be somebody is known so long after. */
const TRUST_MS = 10 * 60_000;
const MOST_TRUSTED = 10_000;

/**
 * How the sources of requests stand: who has failed too often, and who has proved to be somebody. A failure counts only where
 * its sender must have had our answer: UDP addresses can be forged, and nobody may lock another out in his name. One who proved
 * to be somebody is never locked out either: behind his address there may be a phone with an old password beside the others.
 */
export class SourceStanding {
  readonly #nowMs: () => number;
  readonly #failures = new FailureCounter();
  readonly #trustedUntilMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  patience(address: string): Patience {
    const source = sourceOf(address);
    return this.isTrusted(address) ? 'challenge' : this.#failures.patience(source, this.#nowMs());
  }

  /** It proved to be somebody in the last ten minutes. */
  isTrusted(address: string): boolean {
    return (this.#trustedUntilMs.get(sourceOf(address)) ?? 0) > this.#nowMs();
  }

  /** `isProven`: the sender is behind this address, as it has had a nonce of ours there, or has a connection. */
  failed(address: string, isProven: boolean): void {
    if (isProven) this.#failures.failed(sourceOf(address), this.#nowMs());
  }

  succeeded(address: string): void {
    const source = sourceOf(address);
    this.#failures.succeeded(source);
    this.#trustedUntilMs.delete(source);
    this.#trustedUntilMs.set(source, this.#nowMs() + TRUST_MS);
    const [oldest] = this.#trustedUntilMs.keys();
    if (this.#trustedUntilMs.size > MOST_TRUSTED && oldest !== undefined) this.#trustedUntilMs.delete(oldest);
  }
}

/** Whom failures and budgets are counted for: an IPv4 address, or the /64 one subscriber has in IPv6. */
export function sourceOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...right];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
