/** How much and how slowly a client may send. */
export type HttpLimits = {
  readonly bodyBytes: number;
  /** Path and query; longer is 414. */
  readonly targetBytes: number;
  /** Request line and headers; longer is 431, or 414 when the line alone is. */
  readonly headerBytes: number;
  /** One WebSocket message; carriers' frames stay under 10 KiB, Asterisk's under 64 KiB. */
  readonly messageBytes: number;
  readonly headersTimeoutMs: number;
  /** Until the body is complete; then 408. */
  readonly requestTimeoutMs: number;
  /** How often the two time-outs are looked at. */
  readonly checkEveryMs: number;
  /** Longer than the idle time of usual load balancers (60 s), so that they close first. */
  readonly keepAliveMs: number;
  /** What a stop grants to requests under way. */
  readonly closeGraceMs: number;
};

export const LIMITS: HttpLimits = {
  bodyBytes: 256 * 1024,
  targetBytes: 8 * 1024,
  headerBytes: 16 * 1024,
  messageBytes: 64 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  checkEveryMs: 1_000,
  keepAliveMs: 75_000,
  closeGraceMs: 5_000,
};
