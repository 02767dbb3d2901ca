import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { MediaSocket, MediaSocketListener } from '../core/ports/media-socket.ts';
import { type FrameOutbox, LONGEST_BYTES } from './websocket/frame-outbox.ts';
import { UpgradedSocket } from './websocket/upgraded-socket.ts';

/** 123 bytes fit into a close frame (RFC 6455, 5.5.1); ours are ASCII, a longer one would throw. */
const LONGEST_REASON = 120;

export type MediaSocketParts = {
  readonly socket: WebSocket;
  /** What `socket` stands on. */
  readonly connection: Socket;
  readonly outbox: FrameOutbox;
};

/** A socket of `ws` as channels know it. An error of the connection is followed by its close, so only the close is told. */
export function mediaSocket({ socket, connection, outbox }: MediaSocketParts): MediaSocket {
  const send = (message: string | Uint8Array, isBinary: boolean) => {
    if (socket.readyState !== socket.OPEN) return;
    // A string holds three bytes a unit at most.
    if (message.length * (typeof message === 'string' ? 3 : 1) <= LONGEST_BYTES) {
      outbox.add(connection, message, isBinary);
      return;
    }
    outbox.flush();
    const kept = typeof message === 'string' ? message : Buffer.from(message);
    socket.send(kept, { binary: isBinary }, () => undefined);
  };
  return {
    listen: (listener) => listen(socket, connection, listener),
    sendText: (message) => send(message, false),
    sendBinary: (message) => send(message, true),
    get bufferedBytes() {
      return socket.bufferedAmount + outbox.waiting(connection);
    },
    close: (code, reason) => {
      outbox.flush();
      socket.close(code, reason.slice(0, LONGEST_REASON));
    },
  };
}

function listen(socket: WebSocket, connection: Socket, listener: MediaSocketListener): void {
  const tell = (data: Buffer, isBinary: boolean) => {
    if (isBinary) listener.binary(data);
    else listener.text(data);
  };
  socket.on('message', tell);
  if (connection instanceof UpgradedSocket) connection.listen(tell);
  socket.on('close', (code: number, reason: Buffer) => listener.closed(code, reason.toString()));
}
