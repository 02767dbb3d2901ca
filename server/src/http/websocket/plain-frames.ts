import { isUtf8 } from 'node:buffer';
import { unmask } from './unmask.ts';

const TEXT = 0x81;
const BINARY = 0x82;
const PING = 0x89;
const PONG = 0x8a;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;
const HEAD_BYTES = 6;
const LONG_HEAD_BYTES = 8;

/** Who takes what was read. Views are valid during the call only. */
export type FrameTaker = {
  /** A whole message, unmasked. False: not taken, and `passOn` gets the frame. */
  message(payload: Buffer, isBinary: boolean): boolean;
  /** Bytes of the stream as they came, whole frames unless they are the last of this kind. */
  passOn(bytes: Buffer): void;
};

/**
 * Reads what a client sends (RFC 6455, 5.2) as far as it is what carriers send all the time: messages of one masked frame.
 *
 *      0               1               2               3
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 *     |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
 *     |I|S|S|S|  (4)  |A|     (7)     |           (16, when           |
 *     |N|V|V|V|       |S|             |   payload len is 126)         |
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 *     |                       Masking-key (32)                        |
 *     +---------------------------------------------------------------+
 *     |                         Payload Data                          |
 *     +---------------------------------------------------------------+
 *
 * Pings and pongs are passed on; from the first frame of any other kind (a close, a fragment, an error, a length over the limit)
 * so is everything, to a reader that knows the whole of the RFC. Allocates only where a frame came in pieces.
 */
export class PlainFrames {
  readonly #taker: FrameTaker;
  readonly #mostBytes: number;
  /** The beginning of a frame whose rest has not come. */
  #held: Buffer | null = null;
  #heldBytes = 0;
  #isPlain = true;

  /** @param mostBytes the longest payload that is read here */
  constructor(taker: FrameTaker, mostBytes: number) {
    this.#taker = taker;
    this.#mostBytes = Math.min(mostBytes, 0xffff);
  }

  /** Takes the next bytes of the stream; payloads are unmasked in place. */
  take(bytes: Buffer, length = bytes.length): void {
    if (!this.#isPlain) this.#taker.passOn(bytes.subarray(0, length));
    else if (this.#held) this.#goOn(this.#held, bytes.subarray(0, length));
    else this.#hold(bytes, this.#read(bytes, length), length);
  }

  /** Whether messages are read here still. */
  get isPlain(): boolean {
    return this.#isPlain;
  }

  #goOn(held: Buffer, bytes: Buffer): void {
    const length = this.#heldBytes + bytes.length;
    const joined = held.length >= length ? held : Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)));
    if (joined !== held) held.copy(joined, 0, 0, this.#heldBytes);
    bytes.copy(joined, this.#heldBytes);
    this.#held = null;
    const end = this.#read(joined, length);
    if (end > 0) this.#hold(joined, end, length);
    else {
      this.#held = joined;
      this.#heldBytes = length;
    }
  }

  #hold(bytes: Buffer, from: number, to: number): void {
    if (from === to) return;
    this.#held = Buffer.from(bytes.subarray(from, to));
    this.#heldBytes = to - from;
  }

  /** Returns where the first incomplete frame begins. */
  #read(bytes: Buffer, length: number): number {
    let at = 0;
    while (length - at >= HEAD_BYTES) {
      const first = bytes[at] as number;
      const second = bytes[at + 1] as number;
      const short = second & ~MASKED;
      const isMessage = first === TEXT || first === BINARY;
      const isControl = (first === PING || first === PONG) && short < LENGTH_16;
      if (second < MASKED || short === LENGTH_64 || !(isMessage || isControl)) return this.#giveUp(bytes, at, length);
      const payloadAt = at + (short === LENGTH_16 ? LONG_HEAD_BYTES : HEAD_BYTES);
      const payloadBytes = short === LENGTH_16 ? bytes.readUInt16BE(at + 2) : short;
      if (payloadBytes > this.#mostBytes) return this.#giveUp(bytes, at, length);
      const end = payloadAt + payloadBytes;
      if (end > length) break;
      if (isControl) this.#taker.passOn(bytes.subarray(at, end));
      else if (!this.#tell(bytes, at, payloadAt, end)) return this.#giveUp(bytes, at, length);
      at = end;
    }
    return at;
  }

  /** False: the text is no UTF-8, and the frame stands there as if it had come without a mask. */
  #tell(bytes: Buffer, frameAt: number, payloadAt: number, end: number): boolean {
    const maskAt = payloadAt - MASK_BYTES;
    unmask(bytes, maskAt, payloadAt, end);
    const payload = bytes.subarray(payloadAt, end);
    const isBinary = bytes[frameAt] === BINARY;
    const isValid = isBinary || isUtf8(payload);
    if (isValid && this.#taker.message(payload, isBinary)) return true;
    bytes.fill(0, maskAt, payloadAt);
    if (isValid) this.#taker.passOn(bytes.subarray(frameAt, end));
    return isValid;
  }

  #giveUp(bytes: Buffer, from: number, to: number): number {
    this.#isPlain = false;
    this.#taker.passOn(bytes.subarray(from, to));
    return to;
  }
}
