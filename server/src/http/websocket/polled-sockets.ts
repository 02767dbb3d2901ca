import { Epoll } from '../../native/epoll.ts';
import { type Libc, MSG_DONTWAIT, openLibc, SOCK_CLOEXEC } from '../../native/libc.ts';

/** Linux's numbers, the same for x64 and arm64. */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const MSG_NOSIGNAL = 0x4000;
const MOST_EVENTS = 1_024;
/** How long bytes may lie in the system before they are looked for: a quarter of a frame. */
const LOOK_EVERY_MS = 5;

/** Who is told of one socket. */
export type PolledSocket = {
  /** The first `count` bytes of `memory` came; they are valid during the call only. */
  readonly arrived: (memory: Buffer, count: number) => void;
  /** There is an end or an error to be read, by whoever read before. The socket is watched no longer. */
  readonly leave: () => void;
};

/**
 * TCP sockets read by the system's own calls (Linux), all that have something every five milliseconds: no event of Node's is
 * made for a message, which halves what a call costs. On each look a socket gives one piece, so one that floods costs no other
 * its time. The sockets stay Node's, which opens them, closes them and writes what does not go out at once.
 */
export class PolledSockets {
  readonly #libc: Libc;
  readonly #memory: Buffer;
  readonly #epoll: Epoll;
  readonly #sockets: (PolledSocket | undefined)[] = [];
  #watched = 0;
  #timer: NodeJS.Timeout | null = null;

  /** @throws Error when the system's calls are not there, or do not do what they should. */
  constructor(memory: Buffer, libc: Libc = openLibc()) {
    this.#libc = libc;
    this.#memory = memory;
    this.#epoll = new Epoll(libc, MOST_EVENTS);
    this.#prove();
  }

  /** How many sockets are watched. */
  get watched(): number {
    return this.#watched;
  }

  /** Reads that socket from now on. False: the system does not want to. */
  watch(number: number, socket: PolledSocket): boolean {
    if (!this.#epoll.add(number)) return false;
    this.#sockets[number] = socket;
    this.#watched++;
    this.#lookLater();
    return true;
  }

  /** To be called before the socket is closed: its number may then be another's. */
  forget(number: number): void {
    if (this.#sockets[number] === undefined) return;
    this.#sockets[number] = undefined;
    this.#watched--;
    this.#epoll.remove(number);
  }

  /** Returns how many of the bytes the system has taken: none where it does not take any now. */
  send(number: number, bytes: Buffer): number {
    return Math.max(0, this.#libc.send(number, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL));
  }

  /** Reads what there is. */
  look(): void {
    const count = this.#epoll.look();
    for (let index = 0; index < count; index++) {
      const number = this.#epoll.at(index);
      const socket = this.#sockets[number];
      // Whoever was told before may have closed it.
      if (socket === undefined) continue;
      const length = this.#libc.recv(number, this.#memory, this.#memory.length, MSG_DONTWAIT);
      if (length > 0) socket.arrived(this.#memory, length);
      else this.#leave(number, socket);
    }
  }

  [Symbol.dispose](): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sockets.forEach((socket, number) => {
      if (socket) this.#leave(number, socket);
    });
    this.#libc.close(this.#epoll.number);
  }

  #leave(number: number, socket: PolledSocket): void {
    this.forget(number);
    socket.leave();
  }

  /** The machine's own timer: this is the network, which waits for no injected clock. */
  #lookLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (this.#watched === 0) return;
      this.#lookLater();
      this.look();
    }, LOOK_EVERY_MS);
  }

  /** One message through a pair of sockets: a wrong number above would be a crash in a call. */
  #prove(): void {
    const pair = new Int32Array(2);
    this.#libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
    const [ours = -1, theirs = -1] = pair;
    let heard = '';
    const arrived = (memory: Buffer, count: number) => {
      heard += memory.toString('latin1', 0, count);
    };
    this.watch(ours, { arrived, leave: () => undefined });
    const sent = this.send(theirs, Buffer.from('there'));
    this.look();
    this.forget(ours);
    for (const number of [ours, theirs]) this.#libc.close(number);
    if (sent === 5 && heard === 'there') return;
    this[Symbol.dispose]();
    throw new Error(`their proof failed: ${heard || 'nothing came'}`);
  }
}
