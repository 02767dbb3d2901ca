import type { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { MediaSocket, MediaSocketListener } from '../core/ports/media-socket.ts';

/** 123 bytes fit into a close frame (RFC 6455, 5.5.1); ours are ASCII, a longer one would throw. */
const LONGEST_REASON = 120;

/**
 * A socket of `ws` as channels know it. An error of the connection is followed by its close, so only the close is told. What is
 * sent in one turn of the event loop leaves in one write: audio with the mark behind it costs one system call, not two.
 */
export function mediaSocket(socket: WebSocket, connection: Pick<Writable, 'cork' | 'uncork'>): MediaSocket {
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    connection.uncork();
  };
  const gather = () => {
    if (isCorked) return;
    isCorked = true;
    connection.cork();
    process.nextTick(uncork);
  };
  const isOpen = () => socket.readyState === socket.OPEN;
  const ignoreFailure = () => undefined;
  return {
    listen: (listener) => listen(socket, listener),
    sendText: (message) => {
      if (!isOpen()) return;
      gather();
      socket.send(message, ignoreFailure);
    },
    sendBinary: (message) => {
      if (!isOpen()) return;
      gather();
      socket.send(message, { binary: true }, ignoreFailure);
    },
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    close: (code, reason) => socket.close(code, reason.slice(0, LONGEST_REASON)),
  };
}

function listen(socket: WebSocket, listener: MediaSocketListener): void {
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) listener.binary(data);
    else listener.text(data);
  });
  socket.on('close', (code: number, reason: Buffer) => listener.closed(code, reason.toString()));
}
