import { createRequire } from 'node:module';

/** The C library's sockets, each as its manual page in section 2 says: -1 and `errno` where it fails. */
export type Libc = {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly bind: (socket: number, address: Uint8Array, length: number) => number;
  readonly connect: (socket: number, address: Uint8Array, length: number) => number;
  readonly close: (socket: number) => number;
  readonly send: (socket: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly sendto: (...packet: [...Parameters<Libc['send']>, address: Uint8Array, addressLength: number]) => number;
  readonly recvfrom: (
    ...room: [...Parameters<Libc['send']>, address: Uint8Array | Int32Array, addressLength: Int32Array]
  ) => number;
  readonly epoll_create1: (flags: number) => number;
  readonly epoll_ctl: (epoll: number, operation: number, socket: number, event: Int32Array) => number;
  readonly epoll_wait: (epoll: number, events: Int32Array, most: number, timeoutMs: number) => number;
  readonly inet_pton: (family: number, text: string, address: Uint8Array) => number;
  readonly inet_ntop: (family: number, address: Uint8Array, room: Uint8Array, length: number) => string | null;
  readonly errno: () => number;
};

/** `ssize_t` results fit in an int: no packet of ours is longer. */
const DECLARATIONS: Readonly<Record<Exclude<keyof Libc, 'errno'>, string>> = {
  socket: 'int socket(int, int, int)',
  bind: 'int bind(int, void*, uint32_t)',
  connect: 'int connect(int, void*, uint32_t)',
  close: 'int close(int)',
  send: 'int send(int, void*, size_t, int)',
  sendto: 'int sendto(int, void*, size_t, int, void*, uint32_t)',
  recvfrom: 'int recvfrom(int, void*, size_t, int, void*, void*)',
  epoll_create1: 'int epoll_create1(int)',
  epoll_ctl: 'int epoll_ctl(int, int, int, void*)',
  epoll_wait: 'int epoll_wait(int, void*, int, int)',
  inet_pton: 'int inet_pton(int, const char*, void*)',
  inet_ntop: 'const char* inet_ntop(int, void*, void*, uint32_t)',
};

/** The one of glibc, as Debian, Ubuntu and Red Hat have it. @throws Error where it, or the package that calls it, is not there. */
export function openLibc(): Libc {
  const { load, errno } = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const library = load('libc.so.6');
  const functions = Object.entries(DECLARATIONS).map(([name, declaration]) => [name, library.func(declaration)]);
  return { ...Object.fromEntries(functions), errno: () => errno() };
}
