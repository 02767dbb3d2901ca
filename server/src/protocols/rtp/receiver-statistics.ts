/** Counts one received stream as RFC 3550, A.3 and A.8 do: loss, jitter. Nothing is allocated per packet. */
export class ReceiverStatistics {
  readonly #clockRate: number;
  #base = -1;
  #highest = -1;
  #received = 0;
  #priorExpected = 0;
  #priorReceived = 0;
  #transit = Number.NaN;
  #jitter = 0;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** Takes each packet as it arrives, with unwrapped sequence number and timestamp. */
  receive(sequence: number, timestamp: number, nowMs: number): void {
    if (this.#base < 0) this.#base = sequence;
    if (sequence > this.#highest) this.#highest = sequence;
    this.#received++;
    const transit = (nowMs * this.#clockRate) / 1000 - timestamp;
    if (!Number.isNaN(this.#transit)) this.#jitter += (Math.abs(transit - this.#transit) - this.#jitter) / 16;
    this.#transit = transit;
  }

  get received(): number {
    return this.#received;
  }

  /** Packets that never came; repeated ones may make it negative. */
  get lost(): number {
    return this.#base < 0 ? 0 : this.#highest - this.#base + 1 - this.#received;
  }

  /** In timestamp units, as a report carries it. */
  get jitter(): number {
    return Math.floor(this.#jitter);
  }

  get jitterMs(): number {
    return (this.#jitter / this.#clockRate) * 1000;
  }

  /** The highest sequence number with its count of wraps above, 32 bits. */
  get extendedHighest(): number {
    return Math.max(0, this.#highest) % 2 ** 32;
  }

  /** Loss since the last call, in 1/256 (A.3). */
  takeFractionLost(): number {
    const expected = this.#base < 0 ? 0 : this.#highest - this.#base + 1;
    const expectedNow = expected - this.#priorExpected;
    const lostNow = expectedNow - (this.#received - this.#priorReceived);
    this.#priorExpected = expected;
    this.#priorReceived = this.#received;
    return expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow));
  }
}
