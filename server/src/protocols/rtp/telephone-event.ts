/**
 * Named telephone events: digits in RTP (RFC 4733, 2.3):
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |     event     |E|R| volume    |          duration             |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * All packets of one digit carry the timestamp of its start; the duration grows; the last is sent three times with E set.
 */
export const TELEPHONE_EVENT_BYTES = 4;

/** Digits by event code, 0-15 (3.2). */
const DIGITS = '0123456789*#ABCD';

/** A digit is over when its packets have stopped for this long: three of 20 ms and a little. */
const LOST_END_MS = 80;
/** A digit held longer is ended, though packets still come. */
const MAX_DIGIT_MS = 10_000;

/** An event packet: payload `bytes[start, end)`, timestamp and source as in its header. */
export type EventPacket = { bytes: Uint8Array; start: number; end: number; timestamp: number; ssrc: number };

/**
 * Hears digits, each once: known by its source and timestamp, whatever was repeated or lost. It counts from its first packet seen; without a
 * single end packet it ends when three packets' time has passed in silence, or the next digit begins.
 */
export class TelephoneEventReceiver {
  readonly #clockRate: number;
  readonly #digit: (digit: string, durationMs: number) => void;
  #timestamp = -1;
  #ssrc = -1;
  #event = -1;
  #duration = 0;
  #isOpen = false;
  #startedMs = 0;
  #heardMs = 0;

  /** `digit` is called when a key goes up. */
  constructor(clockRate: number, digit: (digit: string, durationMs: number) => void) {
    this.#clockRate = clockRate;
    this.#digit = digit;
  }

  /** Whether a key is down. */
  get isDown(): boolean {
    return this.#isOpen;
  }

  /** Takes an event packet; the object may be used again for the next. Events other than 0-15 are passed over. */
  push(packet: EventPacket, nowMs: number): void {
    const { bytes, start, end, timestamp, ssrc } = packet;
    const event = bytes[start] ?? 255;
    if (end - start < TELEPHONE_EVENT_BYTES || event >= DIGITS.length) return;
    const isEnd = ((bytes[start + 1] as number) & 0x80) !== 0;
    const duration = ((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number);
    const isSame = timestamp === this.#timestamp && ssrc === this.#ssrc;
    if (!isSame && ssrc === this.#ssrc && this.#isStraggler(timestamp)) return;
    this.#ssrc = ssrc;
    if (!isSame) this.#begin(event, timestamp, nowMs);
    if (!this.#isOpen) return;
    this.#duration = Math.max(this.#duration, duration);
    this.#heardMs = nowMs;
    if (isEnd) this.#finish();
  }

  /** Lets time pass: ends a digit whose end packets were all lost. */
  advanceTo(nowMs: number): void {
    if (!this.#isOpen) return;
    if (nowMs - this.#heardMs >= LOST_END_MS || nowMs - this.#startedMs >= MAX_DIGIT_MS) this.#finish();
  }

  /** Of an earlier digit, by 32-bit serial arithmetic; further back than ten seconds it is a clock that started anew. */
  #isStraggler(timestamp: number): boolean {
    const step = (timestamp - this.#timestamp) | 0;
    return this.#timestamp >= 0 && step < 0 && -step < (MAX_DIGIT_MS / 1000) * this.#clockRate;
  }

  #begin(event: number, timestamp: number, nowMs: number): void {
    if (this.#isOpen) this.#finish();
    this.#timestamp = timestamp;
    this.#event = event;
    this.#duration = 0;
    this.#isOpen = true;
    this.#startedMs = nowMs;
  }

  #finish(): void {
    this.#isOpen = false;
    this.#digit(DIGITS[this.#event] ?? '', Math.round((this.#duration / this.#clockRate) * 1000));
  }
}

const FRAME_MS = 20;
const END_PACKETS = 3;
const GAP_MS = 40;
const VOLUME = 10;
const MAX_QUEUED = 64;

/** What a sender has for the next frame. */
export type EventFrame = {
  /** `gap`: the pause behind a digit, filled with silence. */
  type: 'none' | 'event' | 'gap';
  marker: boolean;
  /** Of the digit's start, to be put into the header; unwrapped or not, as it was given. */
  timestamp: number;
};

/**
 * Sends digits, one frame each 20 ms: the first with the marker, the duration growing, the end three times, 40 ms of silence before
 * the next. Digits wait in a queue of 64.
 */
export class TelephoneEventSender {
  readonly #frame: EventFrame = { type: 'none', marker: false, timestamp: 0 };
  readonly #ticksPerFrame: number;
  readonly #queue: { event: number; frames: number }[] = [];
  #sentFrames = 0;
  #ends = 0;
  #gapFrames = 0;
  #timestamp = 0;

  constructor(clockRate: number) {
    this.#ticksPerFrame = (clockRate * FRAME_MS) / 1000;
  }

  get isBusy(): boolean {
    return this.#queue.length > 0 || this.#gapFrames > 0;
  }

  /** Queues a digit; false when it is none or the queue is full. At least 40 ms are sent. */
  push(digit: string, durationMs: number): boolean {
    const event = DIGITS.indexOf(digit.toUpperCase());
    if (digit.length !== 1 || event < 0 || this.#queue.length >= MAX_QUEUED) return false;
    const frames = Math.max(2, Math.min(Math.round(durationMs / FRAME_MS), Math.floor(0xffff / this.#ticksPerFrame)));
    this.#queue.push({ event, frames });
    return true;
  }

  /** The frame of this tick, its 4 bytes written to `target` at `at`. The object is used again for the next. */
  next(target: Uint8Array, at: number, timestamp: number): EventFrame {
    const frame = this.#frame;
    const [current] = this.#queue;
    frame.type = this.#gapFrames > 0 ? 'gap' : current ? 'event' : 'none';
    frame.marker = false;
    if (this.#gapFrames > 0) this.#gapFrames--;
    else if (current) this.#write(target, at, { ...current, timestamp });
    return frame;
  }

  #write(
    target: Uint8Array,
    at: number,
    { event, frames, timestamp }: { event: number; frames: number; timestamp: number },
  ): void {
    const frame = this.#frame;
    frame.marker = this.#sentFrames === 0;
    if (frame.marker) this.#timestamp = timestamp;
    frame.timestamp = this.#timestamp;
    if (this.#sentFrames < frames) this.#sentFrames++;
    const isEnd = this.#sentFrames === frames;
    const duration = this.#sentFrames * this.#ticksPerFrame;
    target[at] = event;
    target[at + 1] = (isEnd ? 0x80 : 0) | VOLUME;
    target[at + 2] = duration >> 8;
    target[at + 3] = duration;
    if (isEnd && ++this.#ends === END_PACKETS) this.#endDigit();
  }

  #endDigit(): void {
    this.#queue.shift();
    this.#sentFrames = 0;
    this.#ends = 0;
    this.#gapFrames = GAP_MS / FRAME_MS;
  }
}
