/** Base intervals in ms (RFC 3261, 17.1.1.1 and 17.1.2.2). */
export const T1_MS = 500;
export const T2_MS = 4000;
export const T4_MS = 5000;
/** 64*T1: how long anybody waits for anybody. */
export const TIMEOUT_MS = 64 * T1_MS;

/** The timers of RFC 3261, table 4, and L and M of RFC 6026. */
export type TimerName = 'A' | 'B' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M';

type Rule = { readonly firstMs: number; readonly reliableMs: number | undefined; readonly capMs?: number };

/**
 * How long each runs, over UDP and over a reliable transport (undefined: never started there). A, E and G start again with
 * twice their interval, E and G up to T2.
 */
export const TIMERS: Readonly<Record<TimerName, Rule>> = {
  A: { firstMs: T1_MS, reliableMs: undefined, capMs: Number.POSITIVE_INFINITY },
  B: { firstMs: TIMEOUT_MS, reliableMs: TIMEOUT_MS },
  D: { firstMs: 32_000, reliableMs: 0 },
  E: { firstMs: T1_MS, reliableMs: undefined, capMs: T2_MS },
  F: { firstMs: TIMEOUT_MS, reliableMs: TIMEOUT_MS },
  G: { firstMs: T1_MS, reliableMs: undefined, capMs: T2_MS },
  H: { firstMs: TIMEOUT_MS, reliableMs: TIMEOUT_MS },
  I: { firstMs: T4_MS, reliableMs: 0 },
  J: { firstMs: TIMEOUT_MS, reliableMs: 0 },
  K: { firstMs: T4_MS, reliableMs: 0 },
  L: { firstMs: TIMEOUT_MS, reliableMs: TIMEOUT_MS },
  M: { firstMs: TIMEOUT_MS, reliableMs: TIMEOUT_MS },
};
