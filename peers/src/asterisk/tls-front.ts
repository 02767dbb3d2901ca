import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { repositoryFolder } from '../cache-folder.ts';

const HOST = '127.0.0.1';
const FIXTURES = join(repositoryFolder(), 'server/src/http/fixtures');
/** A certificate for 127.0.0.1 that is its own authority. */
export const CERTIFICATE_FILE = join(FIXTURES, 'localhost-1.cert.pem');
const KEY_FILE = join(FIXTURES, 'localhost-1.key.pem');

/** HTTPS before a server that speaks HTTP, as a reverse proxy does it: what PUBLIC_ASSISTANT_HOST names in most installations. */
export class TlsFront implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param behind host:port of the HTTP server */
  static async start(behind: string): Promise<TlsFront> {
    const [host = '', port = ''] = behind.split(':');
    const files = { cert: await readFile(CERTIFICATE_FILE), key: await readFile(KEY_FILE) };
    const server = createServer(files, (outside) => {
      const inside = connect(Number(port), host);
      outside.on('error', () => inside.destroy());
      inside.on('error', () => outside.destroy());
      outside.pipe(inside).pipe(outside);
    });
    server.listen(0, HOST);
    await once(server, 'listening');
    return new TlsFront(server);
  }

  /** host:port */
  get host(): string {
    return `${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
  }
}
