/** What the stack needs of the world, handed in so that a test owns time and chance. Shapes only; any like object fits. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds, monotonic. */
  nowMs(): number;
  /** The wall clock. */
  date(): Date;
  /** Calls back once, not before `delayMs` from now. */
  after(delayMs: number, callback: () => void): Timer;
}

export interface Random {
  bytes(count: number): Uint8Array;
  /** A whole number, 0 <= n < limit. */
  below(limit: number): number;
}

/** Random text for tags, branches and Call-IDs: 96 bits (RFC 3261, 19.3 asks for at least 32). */
export function randomToken(random: Random): string {
  return Buffer.from(random.bytes(12)).toString('hex');
}
