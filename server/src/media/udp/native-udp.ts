import { isIPv6 } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { Epoll } from '../../native/epoll.ts';
import { type Libc, MSG_DONTWAIT, SOCK_CLOEXEC } from '../../native/libc.ts';
import type { Endpoint } from './datagram-sink.ts';
import { NativePair } from './native-pair.ts';
import { noteClosed, noteOpen, type OpenSocketsMemory } from './open-sockets.ts';
import { ADDRESS_WORDS, AF_INET, AF_INET6, readAddress, writeAddress } from './socket-address.ts';
import { addressOf, type UdpIo, type UdpPair } from './udp-io.ts';

/** Linux's numbers, the same for x64 and arm64. */
const SOCK_DGRAM = 2;
/** `recvfrom` tells the true length of what did not fit. */
const MSG_TRUNC = 0x20;
const MOST_EVENTS = 512;
/** Of one `read`, lest sockets that are flooded keep the thread. */
const MOST_ROUNDS = 8;
/** Above any packet of a call: RTP fits in an Ethernet frame. */
const ROOM_BYTES = 2048;

type Reader = (bytes: Uint8Array, from: Endpoint) => void;
type Socket = {
  readonly number: number;
  readonly take: Reader;
  readonly failed: () => void;
  /** Whom the last packet came from, as the system wrote it and as we name it. */
  readonly words: Int32Array;
  from: Endpoint;
};

/**
 * UDP by the system's own calls (Linux): no object, buffer or event is made for a packet. On every `read` each socket that has
 * something gives one packet, so a flood on one port costs no other its time. Measured: half of what Node's sockets take.
 */
export class NativeUdp implements UdpIo {
  readonly kind = 'native';
  readonly #libc: Libc;
  readonly #memory: OpenSocketsMemory;
  readonly #epoll: Epoll;
  readonly #sockets: (Socket | undefined)[] = [];
  readonly #room = Buffer.alloc(ROOM_BYTES);
  /** The start of `room`, by length. */
  readonly #views: Buffer[] = [];
  readonly #words = new Int32Array(ADDRESS_WORDS);
  readonly #wordsBytes = new Int32Array(1);
  #open = 0;

  /** @throws Error when the system has no epoll for us. */
  constructor(libc: Libc, memory: OpenSocketsMemory) {
    this.#libc = libc;
    this.#memory = memory;
    this.#epoll = new Epoll(libc, MOST_EVENTS);
    noteOpen(memory, this.#epoll.number);
  }

  get isPolled(): boolean {
    return this.#open > 0;
  }

  async bindPair(host: string, port: number): Promise<UdpPair | string> {
    const address = await addressOf(host);
    if (address === null) return 'ENOTFOUND';
    const family = isIPv6(address) ? AF_INET6 : AF_INET;
    const rtp = this.#bind({ address, port }, family);
    if (typeof rtp === 'string') return rtp;
    const rtcp = this.#bind({ address, port: port + 1 }, family);
    if (typeof rtcp !== 'string') {
      return new NativePair({ libc: this.#libc, family, rtp, rtcp, watch: this.#watch, close: this.#close });
    }
    this.#close(rtp);
    return rtcp;
  }

  read(): void {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const count = this.#epoll.look();
      for (let index = 0; index < count; index++) {
        const socket = this.#sockets[this.#epoll.at(index)];
        if (socket !== undefined) this.#receive(socket);
      }
      if (count < MOST_EVENTS) return;
    }
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) if (socket !== undefined) this.#close(socket.number);
    this.#close(this.#epoll.number);
  }

  #bind(at: Endpoint, family: number): number | string {
    const libc = this.#libc;
    const address = writeAddress(libc, at, family);
    if (address === null) return 'EINVAL';
    const socket = libc.socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return this.#errorName();
    noteOpen(this.#memory, socket);
    if (libc.bind(socket, address, address.length) === 0) return socket;
    const code = this.#errorName();
    this.#close(socket);
    return code;
  }

  readonly #watch = (number: number, take: Reader, failed: () => void): void => {
    const words = new Int32Array(ADDRESS_WORDS);
    this.#sockets[number] = { number, take, failed, words, from: { address: '', port: 0 } };
    this.#open++;
    if (!this.#epoll.add(number)) failed();
  };

  /** The system itself forgets to watch what is closed. */
  readonly #close = (number: number): void => {
    if (this.#sockets[number] !== undefined) this.#open--;
    this.#sockets[number] = undefined;
    noteClosed(this.#memory, number);
    this.#libc.close(number);
  };

  #receive(socket: Socket): void {
    const words = this.#words;
    this.#wordsBytes[0] = words.byteLength;
    const flags = MSG_DONTWAIT | MSG_TRUNC;
    const length = this.#libc.recvfrom(socket.number, this.#room, ROOM_BYTES, flags, words, this.#wordsBytes);
    if (length < 0) {
      // It was readable: what there is to read is an error, as ECONNREFUSED of an ICMP message.
      socket.failed();
      return;
    }
    if (length > ROOM_BYTES) return;
    if (!isSame(words, socket.words, (this.#wordsBytes[0] as number) / 4)) {
      socket.words.set(words);
      socket.from = readAddress(this.#libc, words);
    }
    this.#views[length] ??= this.#room.subarray(0, length);
    socket.take(this.#views[length] as Buffer, socket.from);
  }

  #errorName(): string {
    const errno = this.#libc.errno();
    return errno > 0 ? getSystemErrorName(-errno) : 'EUNKNOWN';
  }
}

function isSame(a: Int32Array, b: Int32Array, words: number): boolean {
  for (let index = 0; index < words; index++) if (a[index] !== b[index]) return false;
  return true;
}
