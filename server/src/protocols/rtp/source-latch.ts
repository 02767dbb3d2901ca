/** Packets in a row that prove a source (Asterisk's strictrtp asks for as many). */
const PROBATION = 4;
/** After this long without a packet another source may take over, if it goes on where the old one stopped. */
const SILENCE_MS = 2000;
/** How far the sequence number may have moved on meanwhile: silence plus a second, at 20 ms a packet. */
const MAX_STEP = 150;

export type LatchVerdict = 'learning' | 'latched' | 'accepted' | 'stranger';

/**
 * Finds out where a caller's audio really comes from (symmetric RTP, RFC 4961), once, and holds on to it: a source must send four
 * packets with one SSRC and rising sequence numbers. A packet from the address the peer signalled counts double, so a stranger does
 * not win the race. Afterwards others are refused, but after two seconds of silence one with the same SSRC that goes on in sequence.
 * While learning, packets are used already.
 */
export class SourceLatch {
  readonly #signalled: string;
  #latched: string | undefined;
  #candidate = '';
  #ssrc = 0;
  #sequence = 0;
  #points = 0;
  #heardMs = 0;

  /** `signalled` is `address:port` of the peer's description. */
  constructor(signalled: string) {
    this.#signalled = signalled;
  }

  /** The proven source, `address:port`. */
  get source(): string | undefined {
    return this.#latched;
  }

  /** Judges one packet. `latched` comes once, with the packet that proves the source: the time to connect the socket. */
  judge(source: string, ssrc: number, sequence: number, nowMs: number): LatchVerdict {
    if (this.#latched !== undefined) return this.#judgeLatched(source, ssrc, { sequence, nowMs });
    const isNext = source === this.#candidate && ssrc === this.#ssrc && step(this.#sequence, sequence) === 1;
    const isPreferred = source === this.#signalled;
    if (!isNext && this.#points > 0 && this.#candidate === this.#signalled && !isPreferred) return 'stranger';
    this.#candidate = source;
    this.#remember(ssrc, sequence, nowMs);
    this.#points = (isNext ? this.#points : 0) + (isPreferred ? 2 : 1);
    if (this.#points < PROBATION) return 'learning';
    this.#latched = source;
    return 'latched';
  }

  #judgeLatched(source: string, ssrc: number, { sequence, nowMs }: { sequence: number; nowMs: number }): LatchVerdict {
    const isOurs = source === this.#latched;
    const isSuccessor =
      nowMs - this.#heardMs > SILENCE_MS &&
      ssrc === this.#ssrc &&
      step(this.#sequence, sequence) > 0 &&
      step(this.#sequence, sequence) < MAX_STEP;
    if (!isOurs && !isSuccessor) return 'stranger';
    this.#remember(ssrc, sequence, nowMs);
    if (isOurs) return 'accepted';
    this.#latched = source;
    return 'latched';
  }

  #remember(ssrc: number, sequence: number, nowMs: number): void {
    this.#ssrc = ssrc;
    this.#sequence = sequence;
    this.#heardMs = nowMs;
  }
}

/** How far `to` lies behind `from`, 16 bits round. */
function step(from: number, to: number): number {
  return (to - from) & 0xffff;
}
