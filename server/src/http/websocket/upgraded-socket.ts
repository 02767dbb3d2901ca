import { Socket } from 'node:net';
import { PlainFrames } from './plain-frames.ts';
import type { PolledSockets } from './polled-sockets.ts';

/** Takes whole messages; the view is valid during the call only. */
export type MessageTaker = (payload: Buffer, isBinary: boolean) => void;

/** The part of Node's TCP handle that is relied on: a socket without it is left as it is. */
type Handle = {
  readonly fd?: number;
  /** Whether net wants to be told of data. */
  reading?: boolean;
  useUserBuffer(memory: Uint8Array): void;
  readStop(): void;
  readStart(): void;
};
type Owner = Socket & { _handle?: Partial<Handle> | null };

export type UpgradeParts = {
  readonly handle: object;
  /** Every socket reads into it in turn, and is done with it before the next one does. */
  readonly memory: Buffer;
  /** The longest message that is not left to `ws`. */
  readonly messageBytes: number;
  /** Where the system can be asked without Node; else null. */
  readonly polled: PolledSockets | null;
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
  readonly #polled: PolledSockets | null;
  #taker: MessageTaker | null = null;
  /** Its number in the system while it is polled. */
  #number = -1;

  constructor({ handle, memory, messageBytes, polled }: UpgradeParts) {
    const callback = (count: number, bytes: Buffer) => this.arrived(bytes, count);
    super({ handle, allowHalfOpen: true, onread: { buffer: memory, callback } } as object);
    this.#polled = polled;
    this.#frames = new PlainFrames(
      { message: (payload, isBinary) => this.#tell(payload, isBinary), passOn: (bytes) => this.#passOn(bytes) },
      messageBytes,
    );
  }

  /** Messages go to `taker` from now on, but for those that are left to `ws`. */
  listen(taker: MessageTaker): void {
    this.#taker = taker;
    this.#poll();
  }

  /** The first `count` bytes came. False: no more for now. */
  arrived(bytes: Buffer, count = bytes.length): boolean {
    this.#frames.take(bytes, count);
    return this.readableLength < this.readableHighWaterMark;
  }

  /** Writes. True: the view may be used again at once; false: the system has not taken all of it, and the rest is read later. */
  writeNow(bytes: Buffer): boolean {
    if (this.writableLength > 0) {
      this.write(Buffer.from(bytes));
      return true;
    }
    const sent = this.#number >= 0 ? (this.#polled?.send(this.#number, bytes) ?? 0) : 0;
    if (sent === bytes.length) return true;
    this.write(sent > 0 ? bytes.subarray(sent) : bytes);
    return this.writableLength === 0;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#taker = null;
    this.#unpoll();
    super._destroy(error, callback);
  }

  #tell(payload: Buffer, isBinary: boolean): boolean {
    // What `ws` has not read yet came earlier.
    if (!this.#taker || this.readableLength > 0) return false;
    this.#taker(payload, isBinary);
    return true;
  }

  #passOn(bytes: Buffer): void {
    if (!this.#frames.isPlain) this.#leave();
    if (!this.readableEnded && !this.destroyed) this.push(Buffer.from(bytes));
  }

  #poll(): void {
    const handle = (this as Owner)._handle as Handle | null;
    if (!this.#polled || !this.#frames.isPlain || !handle?.reading || handle.fd === undefined || handle.fd < 0) return;
    const isWatched = this.#polled.watch(handle.fd, {
      arrived: (memory, count) => void this.arrived(memory, count),
      leave: () => this.#leave(),
    });
    if (!isWatched) return;
    this.#number = handle.fd;
    // Net goes on believing that it reads, and so leaves it at that.
    handle.readStop();
  }

  #unpoll(): boolean {
    if (this.#number < 0) return false;
    this.#polled?.forget(this.#number);
    this.#number = -1;
    return true;
  }

  /** Node reads again: what comes now is for `ws`, or is the end. */
  #leave(): void {
    const handle = (this as Owner)._handle as Handle | null;
    if (this.#unpoll() && handle?.reading) handle.readStart();
  }
}

/**
 * Moves the connection of an upgraded request into an `UpgradedSocket`; what came with the request is its first data. Returns
 * the socket as it is where that cannot be done: TLS, or a Node whose handles are different.
 */
export function adoptSocket(socket: Socket, head: Buffer, parts: Omit<UpgradeParts, 'handle'>): Socket {
  const owner = socket as Owner;
  const handle = owner._handle;
  if ('encrypted' in socket || typeof handle?.useUserBuffer !== 'function') return socket;
  owner._handle = null;
  const upgraded = new UpgradedSocket({ ...parts, handle });
  upgraded.once('close', () => socket.destroy());
  if (head.length > 0) upgraded.arrived(Buffer.from(head));
  return upgraded;
}
