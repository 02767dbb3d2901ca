/** Randomness as an argument, so that a test can repeat it. */
export interface Random {
  uuid(): string;
  bytes(count: number): Uint8Array;
  /** A whole number, 0 <= n < limit; limit at most 2^53-1. */
  below(limit: number): number;
}
