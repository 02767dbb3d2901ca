import type { Socket } from 'node:net';
import { UpgradedSocket } from './upgraded-socket.ts';

/** FIN, and the opcode (RFC 6455, 5.2). */
const TEXT = 0x81;
const BINARY = 0x82;
const LENGTH_16 = 126;
const LONG_HEAD_BYTES = 4;
const MEMORY_BYTES = 32 * 1024;
/** A longer message is left to `ws`. */
export const LONGEST_BYTES = MEMORY_BYTES - LONG_HEAD_BYTES;

/**
 * Frames on their way to carriers. What one socket is sent in one turn of the event loop leaves in one write: audio with the
 * mark behind it costs one system call, not two. All sockets share its memory, in turn.
 */
export class FrameOutbox {
  #memory = Buffer.allocUnsafeSlow(MEMORY_BYTES);
  #length = 0;
  #owner: Socket | null = null;
  #isFlushing = false;
  readonly #flushLater = () => {
    this.#isFlushing = false;
    this.flush();
  };

  /** Adds one message, at most `LONGEST_BYTES` long; the view may be used again at once. */
  add(owner: Socket, message: string | Uint8Array, isBinary: boolean): void {
    const length = typeof message === 'string' ? Buffer.byteLength(message) : message.length;
    if (owner !== this.#owner || this.#length + length + LONG_HEAD_BYTES > MEMORY_BYTES) this.flush();
    this.#owner = owner;
    this.#memory[this.#length++] = isBinary ? BINARY : TEXT;
    if (length < LENGTH_16) this.#memory[this.#length++] = length;
    else {
      this.#memory[this.#length++] = LENGTH_16;
      this.#length = this.#memory.writeUInt16BE(length, this.#length);
    }
    if (typeof message === 'string') this.#memory.write(message, this.#length);
    else this.#memory.set(message, this.#length);
    this.#length += length;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    process.nextTick(this.#flushLater);
  }

  /** Bytes that wait here for that socket. */
  waiting(owner: Socket): number {
    return owner === this.#owner ? this.#length : 0;
  }

  /** Writes what waits, now. */
  flush(): void {
    const owner = this.#owner;
    const bytes = this.#memory.subarray(0, this.#length);
    this.#owner = null;
    this.#length = 0;
    if (!owner?.writable || bytes.length === 0) return;
    if (!(owner instanceof UpgradedSocket)) owner.write(Buffer.from(bytes));
    else if (!owner.writeNow(bytes)) this.#memory = Buffer.allocUnsafeSlow(MEMORY_BYTES);
  }
}
