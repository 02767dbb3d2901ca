import { createRequire } from 'node:module';

/** The C library's calls, each as its manual page in section 2 or 3 says: -1 and `errno` where it fails. */
export type Libc = {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly socketpair: (family: number, type: number, protocol: number, sockets: Int32Array) => number;
  readonly bind: (socket: number, address: Uint8Array, length: number) => number;
  readonly connect: (socket: number, address: Uint8Array, length: number) => number;
  readonly close: (file: number) => number;
  readonly send: (socket: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly sendto: (...packet: [...Parameters<Libc['send']>, address: Uint8Array, addressLength: number]) => number;
  readonly recv: (socket: number, room: Uint8Array, length: number, flags: number) => number;
  readonly recvfrom: (
    ...room: [...Parameters<Libc['recv']>, address: Uint8Array | Int32Array, addressLength: Int32Array]
  ) => number;
  readonly epoll_create1: (flags: number) => number;
  readonly epoll_ctl: (epoll: number, operation: number, socket: number, event: Int32Array) => number;
  readonly epoll_wait: (epoll: number, events: Int32Array, most: number, timeoutMs: number) => number;
  readonly inet_pton: (family: number, text: string, address: Uint8Array) => number;
  readonly inet_ntop: (family: number, address: Uint8Array, room: Uint8Array, length: number) => string | null;
  readonly errno: () => number;
};

/** `ssize_t` results fit in an int: nothing here is longer than 64 KiB. */
const DECLARATIONS: Readonly<Record<Exclude<keyof Libc, 'errno'>, string>> = {
  socket: 'int socket(int, int, int)',
  socketpair: 'int socketpair(int, int, int, void*)',
  bind: 'int bind(int, void*, uint32_t)',
  connect: 'int connect(int, void*, uint32_t)',
  close: 'int close(int)',
  send: 'int send(int, void*, size_t, int)',
  sendto: 'int sendto(int, void*, size_t, int, void*, uint32_t)',
  recv: 'int recv(int, void*, size_t, int)',
  recvfrom: 'int recvfrom(int, void*, size_t, int, void*, void*)',
  epoll_create1: 'int epoll_create1(int)',
  epoll_ctl: 'int epoll_ctl(int, int, int, void*)',
  epoll_wait: 'int epoll_wait(int, void*, int, int)',
  inet_pton: 'int inet_pton(int, const char*, void*)',
  inet_ntop: 'const char* inet_ntop(int, void*, void*, uint32_t)',
};

/**
 * Linux's numbers that both socket back ends use, the same for x64 and arm64 (bits/socket.h, bits/socket_type.h).
 */
export const SOCK_CLOEXEC = 0x80000;
export const MSG_DONTWAIT = 0x40;

/**
 * The library of glibc, as Debian, Ubuntu and Red Hat have it. @throws Error where it, or the package that calls it, is not there,
 * or this is a kind of machine whose numbers are not known here.
 */
export function openLibc(): Libc {
  if (process.platform !== 'linux') throw new Error(`it is for Linux, not for ${process.platform}`);
  if (process.arch !== 'x64' && process.arch !== 'arm64') throw new Error(`it does not know ${process.arch}`);
  const { load, errno } = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const library = load('libc.so.6');
  const functions = Object.entries(DECLARATIONS).map(([name, declaration]) => [name, library.func(declaration)]);
  return { ...Object.fromEntries(functions), errno: () => errno() };
}
