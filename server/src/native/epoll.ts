import type { Libc } from './libc.ts';

const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
/** `struct epoll_event` in 32-bit words: packed on x64 (epoll_event(3type)). */
const EVENT = process.arch === 'x64' ? { words: 3, data: 1 } : { words: 4, data: 2 };

/** Which of many files have something to read (epoll(7)), without an object for an answer. */
export class Epoll {
  readonly number: number;
  readonly #libc: Libc;
  readonly #most: number;
  readonly #events: Int32Array;

  /** @param most files told by one `look`. @throws Error when the system has none for us. */
  constructor(libc: Libc, most: number) {
    this.#libc = libc;
    this.#most = most;
    this.#events = new Int32Array(EVENT.words * most);
    this.number = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.number < 0) throw new Error('the system has no epoll for us');
  }

  /** False: the system does not want to watch it. */
  add(file: number): boolean {
    return this.#control(EPOLL_CTL_ADD, file) === 0;
  }

  /** A file that is closed is forgotten by itself. */
  remove(file: number): void {
    this.#control(EPOLL_CTL_DEL, file);
  }

  /** Asks, without waiting, and returns how many files have something. */
  look(): number {
    return this.#libc.epoll_wait(this.number, this.#events, this.#most, 0);
  }

  /** The file at a place of the last `look`, from 0. */
  at(place: number): number {
    return this.#events[place * EVENT.words + EVENT.data] as number;
  }

  #control(operation: number, file: number): number {
    const event = new Int32Array(EVENT.words);
    event[0] = EPOLLIN;
    event[EVENT.data] = file;
    return this.#libc.epoll_ctl(this.number, operation, file, event);
  }
}
