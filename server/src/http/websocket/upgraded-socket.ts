import { Socket } from 'node:net';
import { PlainFrames } from './plain-frames.ts';

/** Takes whole messages; the view is valid during the call only. */
export type MessageTaker = (payload: Buffer, isBinary: boolean) => void;

/** The part of Node's TCP handle that is relied on: a socket without it is left as it is. */
type Handle = { useUserBuffer(memory: Uint8Array): void };

export type UpgradeParts = {
  readonly handle: object;
  /** Every socket reads into it in turn, and is done with it before the next one does. */
  readonly memory: Uint8Array;
  /** The longest message that is not left to `ws`. */
  readonly messageBytes: number;
};

/**
 * The connection of an upgraded request, which `ws` keeps as its own: it shakes hands on it, answers pings and closes. Only the
 * messages that carriers send fifty times a second do not go through it and through Node's streams, but from one piece of memory for
 * all calls straight to their channel.
 *
 * NOTE: net's `onread` does this, but only for sockets one makes oneself; so the handle, which has no public name, moves into a
 * new one (`adoptSocket`).
 */
export class UpgradedSocket extends Socket {
  readonly #frames: PlainFrames;
  #taker: MessageTaker | null = null;

  constructor({ handle, memory, messageBytes }: UpgradeParts) {
    const callback = (count: number, bytes: Buffer) => this.arrived(bytes.subarray(0, count));
    super({ handle, allowHalfOpen: true, onread: { buffer: memory, callback } } as object);
    this.#frames = new PlainFrames(
      { message: (...message) => this.#tell(...message), passOn: (bytes) => this.#passOn(bytes) },
      messageBytes,
    );
    this.once('close', () => this.listen(null));
  }

  /** Messages go to `taker` from now on, but for those that are left to `ws`. */
  listen(taker: MessageTaker | null): void {
    this.#taker = taker;
  }

  /** Bytes that came. False: no more for now. */
  arrived(bytes: Buffer): boolean {
    this.#frames.take(bytes);
    return this.readableLength < this.readableHighWaterMark;
  }

  #tell(payload: Buffer, isBinary: boolean): boolean {
    // What `ws` has not read yet came earlier.
    if (!this.#taker || this.readableLength > 0) return false;
    this.#taker(payload, isBinary);
    return true;
  }

  #passOn(bytes: Buffer): void {
    if (!this.readableEnded && !this.destroyed) this.push(Buffer.from(bytes));
  }
}

/**
 * Moves the connection of an upgraded request into an `UpgradedSocket`; what came with the request is its first data. Returns
 * the socket as it is where that cannot be done: TLS, or a Node whose handles are different.
 */
export function adoptSocket(socket: Socket, head: Buffer, parts: Omit<UpgradeParts, 'handle'>): Socket {
  const owner = socket as Socket & { _handle?: (object & Partial<Handle>) | null };
  const handle = owner._handle;
  if ('encrypted' in socket || typeof handle?.useUserBuffer !== 'function') return socket;
  owner._handle = null;
  const upgraded = new UpgradedSocket({ ...parts, handle });
  upgraded.once('close', () => socket.destroy());
  if (head.length > 0) upgraded.arrived(Buffer.from(head));
  return upgraded;
}
