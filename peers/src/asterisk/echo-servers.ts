import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

const HOST = '127.0.0.1';
const HEADER_BYTES = 3;
const AUDIO_8KHZ = 0x10;

/**
 * Servers that give each caller its own voice back at once, over both of Asterisk's transports, and answer phase 1: what they
 * cost is Asterisk's and the transport's own.
 */
export class EchoServers implements AsyncDisposable {
  readonly #http: Server;
  readonly #audioSocket: TcpServer;

  private constructor(http: Server, audioSocket: TcpServer) {
    this.#http = http;
    this.#audioSocket = audioSocket;
  }

  static async start(): Promise<EchoServers> {
    const http = createServer((_request, response) => response.end(crypto.randomUUID()));
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'media', perMessageDeflate: false });
    http.on('upgrade', (request: IncomingMessage, socket, head) =>
      sockets.handleUpgrade(request, socket, head, echoMessages),
    );
    const audioSocket = createTcpServer({ noDelay: true }, (socket) => {
      let held = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        held = Buffer.concat([held, chunk]);
        while (held.length >= HEADER_BYTES && held.length >= HEADER_BYTES + held.readUInt16BE(1)) {
          const frame = held.subarray(0, HEADER_BYTES + held.readUInt16BE(1));
          if (frame[0] === AUDIO_8KHZ) socket.write(frame);
          held = held.subarray(frame.length);
        }
      });
    });
    for (const server of [http, audioSocket]) {
      server.listen(0, HOST);
      await once(server, 'listening');
    }
    return new EchoServers(http, audioSocket);
  }

  /** host:port */
  get http(): string {
    return `${HOST}:${(this.#http.address() as AddressInfo).port}`;
  }

  get audioSocket(): { readonly host: string; readonly port: number } {
    return { host: HOST, port: (this.#audioSocket.address() as AddressInfo).port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.closeAllConnections();
    this.#http.close();
    this.#audioSocket.close();
  }
}

function echoMessages(socket: WebSocket): void {
  socket.on('error', () => undefined);
  socket.on('message', (data, isBinary) => {
    if (isBinary) socket.send(data);
  });
}
