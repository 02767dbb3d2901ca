import { HEADER_BYTES } from './frame.ts';

/** One frame: `bytes` from `start` to `end` is the payload, valid during the call only (it lies in the chunk or in a reused buffer). */
export type FrameHandler = (kind: number, bytes: Uint8Array, start: number, end: number) => void;

export type FrameFault = 'frame_too_long';

const FIRST_CARRY_BYTES = 700;

/**
 * Cuts a byte stream into AudioSocket frames, wherever the network cut it. Allocates nothing for a frame: one that is whole
 * within a chunk is handed on in place, one that is cut is put together in a buffer kept for that.
 */
export class FrameParser {
  readonly #onFrame: FrameHandler;
  /** A frame that announces more is a fault. May be changed between frames, from within a callback too. */
  maxPayloadBytes: number;
  #carry = new Uint8Array(0);
  #held = 0;
  #isStopped = false;

  constructor(maxPayloadBytes: number, onFrame: FrameHandler) {
    this.maxPayloadBytes = maxPayloadBytes;
    this.#onFrame = onFrame;
  }

  /** Feeds what arrived. After a fault, or `stop`, the rest is ignored. */
  push(chunk: Uint8Array): FrameFault | null {
    let at = this.#held > 0 ? this.#complete(chunk) : 0;
    while (at >= 0 && !this.#isStopped && chunk.length - at >= HEADER_BYTES) {
      const length = payloadLength(chunk, at);
      if (length > this.maxPayloadBytes) return this.#fault();
      const start = at + HEADER_BYTES;
      if (start + length > chunk.length) break;
      at = start + length;
      this.#onFrame(chunk[start - HEADER_BYTES] as number, chunk, start, at);
    }
    if (at < 0) return this.#fault();
    if (!this.#isStopped) this.#keep(chunk, at, chunk.length);
    return null;
  }

  /** Ends the parsing, from within a callback too: no further frame comes. */
  stop(): void {
    this.#isStopped = true;
    this.#held = 0;
  }

  #fault(): FrameFault {
    this.stop();
    return 'frame_too_long';
  }

  /** Fills up the cut frame; returns where the chunk goes on, -1 for a fault. */
  #complete(chunk: Uint8Array): number {
    let at = this.#keep(chunk, 0, Math.min(chunk.length, HEADER_BYTES - this.#held));
    if (this.#held < HEADER_BYTES) return at;
    const length = payloadLength(this.#carry, 0);
    if (length > this.maxPayloadBytes) return -1;
    const end = HEADER_BYTES + length;
    at = this.#keep(chunk, at, Math.min(chunk.length, at + end - this.#held));
    if (this.#held < end) return at;
    this.#held = 0;
    this.#onFrame(this.#carry[0] as number, this.#carry, HEADER_BYTES, end);
    return at;
  }

  /** Copies chunk[from, to) behind what is held; returns `to`, never less than `from`. */
  #keep(chunk: Uint8Array, from: number, to: number): number {
    if (to <= from) return from;
    const needed = this.#held + to - from;
    if (this.#carry.length < needed) this.#grow(needed);
    for (let index = from; index < to; index++) this.#carry[this.#held++] = chunk[index] as number;
    return to;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(FIRST_CARRY_BYTES, needed));
    larger.set(this.#carry.subarray(0, this.#held));
    this.#carry = larger;
  }
}

function payloadLength(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}
