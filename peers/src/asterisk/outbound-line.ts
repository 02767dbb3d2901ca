import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerUnderTest } from '../server/server-under-test.ts';
import type { Asterisk } from './asterisk.ts';

export type LineWish = {
  /** audiosocket or websocket; audiosocket when left out */
  readonly transport?: string;
  readonly ringTimeoutSeconds?: number;
};

/** What an administrator sets up for calls over an Asterisk: its account and a deployment for each transport. */
export class OutboundLine {
  readonly #server: ServerUnderTest;
  readonly #deployments: ReadonlyMap<string, string>;

  private constructor(server: ServerUnderTest, deployments: ReadonlyMap<string, string>) {
    this.#server = server;
    this.#deployments = deployments;
  }

  /** Numbers are extensions of the dialplan's [callee]. @throws Error with the server's words. */
  static async open(server: ServerUnderTest, asterisk: Asterisk): Promise<OutboundLine> {
    const credential = await server.post('/v1/credentials', {
      provider: 'asterisk',
      name: 'lab',
      values: {
        ari_url: `http://127.0.0.1:${asterisk.ports.http}`,
        ari_user: 'peer',
        ari_password: await passwordOf(asterisk),
        endpoint_template: 'Local/{number}@callee',
      },
    });
    const deployments = new Map<string, string>();
    for (const transport of ['audiosocket', 'websocket']) {
      const { assistantId } = server;
      const wish = { assistantId, channel: 'asterisk', name: transport, credentialId: credential['id'] };
      const deployment = await server.post('/v1/deployments', { ...wish, settings: { transport } });
      deployments.set(transport, String(deployment['id']));
    }
    return new OutboundLine(server, deployments);
  }

  /** The id of the deployment for a transport. */
  deploymentId(transport: string): string {
    return this.#deployments.get(transport) ?? '';
  }

  /** Places a call and returns its contextId. */
  async call(toNumber: string, { transport = 'audiosocket', ringTimeoutSeconds = 30 }: LineWish = {}): Promise<string> {
    const { data } = await this.#server.post('/v1/talk/create-phone-call', {
      assistant: { assistantId: this.#server.assistantId },
      toNumber,
      options: { deploymentId: this.deploymentId(transport), ringTimeoutSeconds },
    });
    return (data as { contextId: string }).contextId;
  }
}

async function passwordOf(asterisk: Asterisk): Promise<string> {
  const text = await readFile(join(asterisk.runFolder, 'etc/ari.conf'), 'utf8');
  return /^password=(.+)$/m.exec(text)?.[1] ?? '';
}
