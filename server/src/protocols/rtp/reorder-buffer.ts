/** What a buffer gives out; the payload is a range of bytes that is valid during the call only. */
export type ReorderOutput = {
  /** A packet in its order. `sequence` and `timestamp` are unwrapped. */
  readonly packet: (bytes: Uint8Array, start: number, end: number, sequence: number, timestamp: number) => void;
  /** Packets given up: `count` frames are missing before the next. */
  readonly lost: (count: number) => void;
};

/** A packet as it came: payload `bytes[start, end)`, sequence and timestamp unwrapped. */
export type ArrivedPacket = { bytes: Uint8Array; start: number; end: number; sequence: number; timestamp: number };

const SLOTS = 32;
const SLOT_BYTES = 1500;
const NOTHING = new Uint8Array(0);
/** A gap is waited for this long at most, and twice the jitter where that is less. */
export const MAX_HOLD_MS = 60;
/** A jump this far in time is a new start, not a gap (res_rtp_asterisk.c resyncs likewise). */
const RESYNC_MS = 1000;

/**
 * Puts packets back in order without delaying those that come in order (0 ms). After a gap, later packets wait until the missing
 * one comes or min(60 ms, 2 x jitter) have passed; then the gap is told and they go on. Late and repeated packets are dropped and
 * counted. Of fixed size, 48 KB that are allocated with the first packet that must wait: most calls never need them.
 */
export class ReorderBuffer {
  readonly counters = { late: 0, duplicates: 0, lost: 0, reordered: 0, resyncs: 0 };
  readonly #output: ReorderOutput;
  readonly #clockRate: number;
  #bytes = NOTHING;
  readonly #lengths = new Int32Array(SLOTS);
  readonly #sequences = new Float64Array(SLOTS).fill(-1);
  readonly #timestamps = new Float64Array(SLOTS);
  #next = -1;
  #lastTimestamp = 0;
  #held = 0;
  #highest = -1;
  #releaseAtMs = 0;

  /** `clockRate` in Hz tells how far a timestamp jumped. */
  constructor(clockRate: number, output: ReorderOutput) {
    this.#clockRate = clockRate;
    this.#output = output;
  }

  /** Packets waiting. */
  get held(): number {
    return this.#held;
  }

  /**
   * Takes a packet; its payload is copied only when it must wait. The object may be used again for the next. A packet that is no
   * audio (a digit) is given with an empty range, so that its number leaves no gap; it comes out empty.
   */
  push(packet: ArrivedPacket, nowMs: number, jitterMs: number): void {
    const { bytes, start, end, sequence, timestamp } = packet;
    if (this.#next < 0 || this.#isJump(sequence, timestamp)) this.#restart(sequence);
    if (sequence === this.#next) {
      if (this.#held > 0) this.counters.reordered++;
      this.#advance(sequence, timestamp);
      this.#output.packet(bytes, start, end, sequence, timestamp);
      this.#drain(nowMs, jitterMs);
    } else if (sequence < this.#next) this.counters.late++;
    else this.#hold(packet, nowMs, jitterMs);
  }

  /** Lets time pass: gives up a gap that was waited for long enough. Call it once a tick. */
  advanceTo(nowMs: number): void {
    while (this.#held > 0 && nowMs >= this.#releaseAtMs) this.#giveUpGap(nowMs);
  }

  /** Another source: what waits is dropped. */
  reset(): void {
    this.#sequences.fill(-1);
    this.#held = 0;
    this.#next = -1;
  }

  #isJump(sequence: number, timestamp: number): boolean {
    const ms = (Math.abs(timestamp - this.#lastTimestamp) / this.#clockRate) * 1000;
    return Math.abs(sequence - this.#next) >= SLOTS && ms > RESYNC_MS;
  }

  #restart(sequence: number): void {
    if (this.#next >= 0) {
      this.counters.resyncs++;
      this.reset();
    }
    this.#next = sequence;
  }

  #hold(packet: ArrivedPacket, nowMs: number, jitterMs: number): void {
    const { bytes, start, end, sequence, timestamp } = packet;
    const length = end - start;
    if (length > SLOT_BYTES) return;
    // Further ahead than there are slots: the oldest gap cannot be waited for any longer.
    while (sequence - this.#next >= SLOTS) {
      if (this.#held > 0) this.#giveUpGap(nowMs);
      else this.#skipTo(sequence);
    }
    if (sequence === this.#next) {
      this.#advance(sequence, timestamp);
      this.#output.packet(bytes, start, end, sequence, timestamp);
      return;
    }
    const slot = sequence % SLOTS;
    if (this.#sequences[slot] === sequence) {
      this.counters.duplicates++;
      return;
    }
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(SLOTS * SLOT_BYTES);
    for (let i = 0; i < length; i++) this.#bytes[slot * SLOT_BYTES + i] = bytes[start + i] as number;
    this.#lengths[slot] = length;
    this.#sequences[slot] = sequence;
    this.#timestamps[slot] = timestamp;
    if (this.#held === 0) this.#releaseAtMs = nowMs + Math.min(MAX_HOLD_MS, 2 * jitterMs);
    this.#held++;
    this.#highest = Math.max(this.#highest, sequence);
  }

  #drain(nowMs: number, jitterMs: number): void {
    while (this.#held > 0 && this.#sequences[this.#next % SLOTS] === this.#next) this.#giveSlot(this.#next % SLOTS);
    if (this.#held > 0) this.#releaseAtMs = nowMs + Math.min(MAX_HOLD_MS, 2 * jitterMs);
  }

  #giveUpGap(nowMs: number): void {
    let sequence = this.#next;
    while (sequence <= this.#highest && this.#sequences[sequence % SLOTS] !== sequence) sequence++;
    this.#skipTo(sequence);
    this.#drain(nowMs, 0);
  }

  #skipTo(sequence: number): void {
    const count = sequence - this.#next;
    this.counters.lost += count;
    this.#next = sequence;
    this.#output.lost(count);
  }

  #giveSlot(slot: number): void {
    const start = slot * SLOT_BYTES;
    const sequence = this.#sequences[slot] as number;
    const timestamp = this.#timestamps[slot] as number;
    this.#sequences[slot] = -1;
    this.#held--;
    this.#advance(sequence, timestamp);
    this.#output.packet(this.#bytes, start, start + (this.#lengths[slot] as number), sequence, timestamp);
  }

  #advance(sequence: number, timestamp: number): void {
    this.#next = sequence + 1;
    this.#lastTimestamp = timestamp;
  }
}
