import { createRequire } from 'node:module';

/** The C library's calls, each as its manual page in section 2 says: -1 where it fails. */
export type SystemCalls = {
  readonly epoll_create1: (flags: number) => number;
  readonly epoll_ctl: (epoll: number, operation: number, socket: number, event: Int32Array) => number;
  readonly epoll_wait: (epoll: number, events: Int32Array, most: number, timeoutMs: number) => number;
  readonly recv: (socket: number, room: Uint8Array, length: number, flags: number) => number;
  readonly send: (socket: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly socketpair: (family: number, type: number, protocol: number, sockets: Int32Array) => number;
  readonly close: (file: number) => number;
};

/** `ssize_t` results fit in an int: nothing here is longer than 64 KiB. */
const DECLARATIONS: Readonly<Record<keyof SystemCalls, string>> = {
  epoll_create1: 'int epoll_create1(int)',
  epoll_ctl: 'int epoll_ctl(int, int, int, void*)',
  epoll_wait: 'int epoll_wait(int, void*, int, int)',
  recv: 'int recv(int, void*, size_t, int)',
  send: 'int send(int, void*, size_t, int)',
  socketpair: 'int socketpair(int, int, int, void*)',
  close: 'int close(int)',
};

/** Those of glibc. @throws Error where it, or the package that calls it, is not there, or this is another kind of machine. */
export function openSystemCalls(): SystemCalls {
  if (process.platform !== 'linux') throw new Error(`they are for Linux, not for ${process.platform}`);
  if (process.arch !== 'x64' && process.arch !== 'arm64') throw new Error(`they do not know ${process.arch}`);
  const { load } = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const library = load('libc.so.6');
  const calls = Object.entries(DECLARATIONS).map(([name, declaration]) => [name, library.func(declaration)]);
  return Object.fromEntries(calls);
}
