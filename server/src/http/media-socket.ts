import type { WebSocket } from 'ws';
import type { MediaSocket, MediaSocketListener } from '../core/ports/media-socket.ts';

/** 123 bytes fit into a close frame (RFC 6455, 5.5.1); ours are ASCII, a longer one would throw. */
const LONGEST_REASON = 120;

/** A socket of `ws` as channels know it. An error of the connection is followed by its close, so only the close is told. */
export function mediaSocket(socket: WebSocket): MediaSocket {
  const isOpen = () => socket.readyState === socket.OPEN;
  const ignoreFailure = () => undefined;
  return {
    listen: (listener) => listen(socket, listener),
    sendText: (message) => {
      if (isOpen()) socket.send(message, ignoreFailure);
    },
    sendBinary: (message) => {
      if (isOpen()) socket.send(message, { binary: true }, ignoreFailure);
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
