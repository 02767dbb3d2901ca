import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallServer, LONG_MS, startCallServer } from './call-server.ts';
import { following } from './own-assistants.ts';
import { heardOut, ReferenceVoice, soundingSamples } from './reference-voice.ts';

const GREETING = 'Your code, and pound.';
const THANKS = 'Thanks. Goodbye.';
const FLOW = {
  start: 'code',
  fallback: 'thanks',
  nodes: {
    code: { type: 'form', text: GREETING, minDigits: 1, maxDigits: 8, saveAs: 'code', readBack: false, next: 'thanks' },
    thanks: { type: 'hang_up', text: THANKS },
  },
};

let wire: DatabaseWire;
let server: CallServer;
let voice: ReferenceVoice;
let assistantId: string;

beforeAll(async () => {
  voice = new ReferenceVoice();
  server = await startCallServer({
    databaseUrl: async (url) => {
      wire = await DatabaseWire.to(url);
      return wire.url;
    },
  });
  assistantId = await server.assistant(following(FLOW));
});

afterAll(async () => {
  await voice?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await wire?.[Symbol.asyncDispose]();
});

describe('a database that goes away', () => {
  test(
    'refuses as the phone connects: the call is hung up on, and the same call is served once it is back',
    async () => {
      const contextId = await server.open(assistantId);
      wire.cut();

      const refused = await server.connect(contextId);
      const end = await refused.heardHangUp(LONG_MS);
      wire.mend();

      expect(end).toEqual({ by: 'far end', how: 'hung up' });
      expect(soundingSamples(refused.heard.samples())).toBe(0);
      await server.idle();
      await server.whenReady();
      const phone = await server.connect(contextId);
      await heardOut(phone, await voice.samples(GREETING));
      phone.hangUp();
      expect((await server.endedRecord(contextId)).call).toMatchObject({ attempt: 1, endReason: 'caller_hung_up' });
    },
    3 * LONG_MS,
  );

  test(
    'says nothing while the phone connects: two seconds of silence, then the hang-up, and the row is given up',
    async () => {
      const contextId = await server.open(assistantId);
      wire.hold();

      const phone = await server.connect(contextId);
      const end = await phone.heardHangUp(LONG_MS);
      wire.mend();

      expect(end).toEqual({ by: 'far end', how: 'hung up' });
      expect(soundingSamples(phone.heard.samples())).toBe(0);
      await server.whenReady();
      const { call, turns } = await server.endedRecord(contextId);
      expect(call).toMatchObject({ status: 'failed', endReason: 'never_connected' });
      expect(turns).toEqual([]);
      await server.idle();
    },
    3 * LONG_MS,
  );

  test(
    'in the middle of a call: the caller notices nothing, and the record is whole once it is back',
    async () => {
      const { phone, contextId } = await server.call(assistantId);
      await phone.heardVoice(200, LONG_MS);
      wire.cut();
      await heardOut(phone, await voice.samples(GREETING));
      await phone.press('42#');
      const end = await phone.heardHangUp(LONG_MS);
      await server.idle();
      wire.mend();
      await server.whenReady();

      const { call, dtmf, turns, events } = await server.endedRecord(contextId);
      expect(end).toEqual({ by: 'far end', how: 'hung up' });
      expect(call).toMatchObject({ status: 'ended', endReason: 'assistant_hung_up' });
      expect(dtmf).toBe('42#');
      expect(turns.map(({ index, role, heardText }) => [index, role, heardText])).toEqual([
        [0, 'assistant', GREETING],
        [1, 'caller', '42'],
        [2, 'assistant', THANKS],
      ]);
      expect(events.map(({ type }) => type)).toEqual(['flow_node', 'flow_node', 'ended']);
      expect(server.faults()).toEqual([]);
    },
    3 * LONG_MS,
  );
});

/** What lies between the server and its database: it can be cut, held up and mended. */
class DatabaseWire implements AsyncDisposable {
  readonly #path: string;
  readonly #database: string;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #listener: Server;
  #state: 'whole' | 'cut' | 'held' = 'whole';

  private constructor(path: string, database: string) {
    this.#path = path;
    this.#database = database;
    this.#listener = createServer((client) => this.#join(client));
  }

  /** @param url of a PostgreSQL on a Unix socket: its folder stands where a host does. */
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

  /** Every connection breaks, and new ones do at once. */
  cut(): void {
    this.#state = 'cut';
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Nothing gets through, nothing breaks. */
  hold(): void {
    this.#state = 'held';
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  mend(): void {
    this.#state = 'whole';
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #join(client: Socket): void {
    if (this.#state === 'cut') return void client.destroy();
    const pair = [client, connect(this.#path)] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, pair.toReversed() as [Socket, Socket]]) {
      from.on('data', (bytes) => to.write(bytes));
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
