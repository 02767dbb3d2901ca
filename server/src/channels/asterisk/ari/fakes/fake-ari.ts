import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { realClock } from '../../../../../test/fakes/real-clock.ts';
import { RecordingLog, RecordingMetrics } from '../../../../../test/fakes/recording-log.ts';
import type { OpenCredential } from '../../../../core/credential/credential.ts';
import type { CredentialId, ProjectId } from '../../../../core/ids.ts';
import { AriLinks } from '../ari-links.ts';

type Channel = { readonly id: string; readonly name: string; state: string; dialplan?: { readonly app_name: string } };

/** Asterisk's REST interface on loopback: channels that a test puts there, events that it tells. */
export class FakeAri implements AsyncDisposable {
  readonly channels = new Map<string, Channel>();
  /** `METHOD path`, without the query. */
  readonly requests: string[] = [];
  readonly originated: Record<string, unknown>[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #sockets = new Set<WebSocket>();
  readonly #upgrades = new WebSocketServer({ noServer: true });
  /** Handshakes are refused. */
  isAway = false;
  /** Of all handshakes so far. */
  applications: string[] = [];

  static async start(): Promise<FakeAri> {
    const fake = new FakeAri();
    fake.#server.on('upgrade', (request: IncomingMessage, socket, head) => {
      if (fake.isAway) return socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
      fake.applications.push(new URL(request.url ?? '', 'http://ari').searchParams.get('app') ?? '');
      fake.#upgrades.handleUpgrade(request, socket, head, (open) => {
        fake.#sockets.add(open);
        open.on('close', () => fake.#sockets.delete(open));
      });
    });
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  credential(id = 'credential-1'): OpenCredential {
    const values: Record<string, string> = { ari_url: this.url, ari_user: 'user', ari_password: 'password' };
    return {
      id: id as CredentialId,
      projectId: 'project-1' as ProjectId,
      provider: 'asterisk',
      text: (key) => values[key] ?? null,
      list: () => [],
    };
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  tell(event: object): void {
    for (const socket of this.#sockets) socket.send(JSON.stringify(event));
  }

  /** Every event stream breaks. */
  drop(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace(/\?.*$/, '').replace('/ari', '');
    this.requests.push(`${request.method} ${path}`);
    let text = '';
    for await (const part of request) text += part;
    const { status, body } = this.#reply(request.method ?? '', path, text);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body === null ? '' : JSON.stringify(body));
  }

  #reply(method: string, path: string, text: string): { readonly status: number; readonly body: unknown } {
    const id = /^\/channels\/(.+)$/.exec(path)?.[1];
    if (method === 'PUT') return { status: 200, body: {} };
    if (path === '/channels') return { status: 200, body: [...this.channels.values()] };
    if (id === undefined) return { status: 404, body: {} };
    if (method === 'POST') {
      this.originated.push({ id, ...(JSON.parse(text) as object) });
      this.channels.set(id, { id, name: `Local/${id};1`, state: 'Down' });
    }
    const channel = this.channels.get(id);
    if (!channel) return { status: 404, body: { message: 'Channel not found' } };
    if (method !== 'DELETE') return { status: 200, body: channel };
    this.channels.delete(id);
    this.tell(destroyed(id, 16));
    return { status: 204, body: null };
  }
}

export function destroyed(id: string, cause: number): object {
  return { type: 'ChannelDestroyed', cause, channel: { id, state: 'Down' } };
}

export function dialled(id: string, dialstatus: string): object {
  return { type: 'Dial', dialstatus, peer: { id } };
}

export function changed(id: string, state: string): object {
  return { type: 'ChannelStateChange', channel: { id, state } };
}

export function held(id: string, isHeld: boolean): object {
  return { type: isHeld ? 'ChannelHold' : 'ChannelUnhold', channel: { id, state: 'Up' } };
}

export function bridged(...channels: readonly string[]): object {
  return { type: 'ChannelEnteredBridge', channel: { id: channels.at(-1) }, bridge: { id: 'bridge-1', channels } };
}

const random = { uuid: randomUUID, bytes: randomBytes, below: (limit: number) => randomInt(limit) };

/** Links for a test, and the log they write. */
export function testLinks(): { readonly links: AriLinks; readonly log: RecordingLog } {
  const log = new RecordingLog();
  const links = new AriLinks({ clock: realClock, random, log, metrics: new RecordingMetrics() });
  return { links, log };
}
