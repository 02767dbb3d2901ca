import type { KeyLine } from './carrier-keys.ts';

/** Tells when the other side of a live call puts it on hold, where the media itself cannot. */
export interface CarrierHolds {
  /** Why that cannot be told of this call; null when it can. */
  objection(line: KeyLine): string | null;
  /** Tells each change from now on, until disposed of. Never throws; an outage of the carrier's interface ends a hold. */
  follow(line: KeyLine, told: (isHeld: boolean) => void): Disposable;
}
