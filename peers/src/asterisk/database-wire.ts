import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP way to a PostgreSQL that listens on a local socket, which can be slow, hold everything back, or break. */
export class DatabaseWire implements AsyncDisposable {
  readonly #path: string;
  readonly #database: string;
  readonly #listener: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #state: 'whole' | 'held' | 'cut' = 'whole';
  #delayMs = 0;

  private constructor(path: string, database: string) {
    this.#path = path;
    this.#database = database;
    this.#listener = createServer((client) => this.#join(client));
  }

  /** @param url with the folder of the local socket as its host: postgres://app@%2Frun%2Fx/name */
  static async to(url: string): Promise<DatabaseWire> {
    const { hostname, pathname } = new URL(url);
    const wire = new DatabaseWire(`${decodeURIComponent(hostname)}/.s.PGSQL.5432`, pathname);
    wire.#listener.listen(0, '127.0.0.1');
    await once(wire.#listener, 'listening');
    return wire;
  }

  get url(): string {
    return `postgres://app@127.0.0.1:${(this.#listener.address() as AddressInfo).port}${this.#database}`;
  }

  /** Every answer comes this much later. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Nothing gets through, nothing breaks. */
  hold(): void {
    this.#state = 'held';
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** Every connection breaks, and new ones do at once. */
  cut(): void {
    this.#state = 'cut';
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  mend(): void {
    this.#state = 'whole';
    this.#delayMs = 0;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #join(client: Socket): void {
    if (this.#state === 'cut') return void client.destroy();
    const database = connect(this.#path);
    const pair = [client, database] as const;
    this.#pairs.add(pair);
    client.on('data', (bytes) => database.write(bytes));
    database.on('data', (bytes) => {
      if (this.#delayMs === 0) client.write(bytes);
      else setTimeout(() => client.write(bytes), this.#delayMs);
    });
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#state === 'held') from.pause();
    }
  }
}
