import type { ServerUnderTest } from '../server/server-under-test.ts';
import type { Asterisk } from './asterisk.ts';

export type LineWish = {
  /** audiosocket or websocket; audiosocket when left out */
  readonly transport?: string;
  /** An extension of the dialplan's [rapida-outbound-variants] instead. */
  readonly variant?: string;
  readonly ringTimeoutSeconds?: number;
};

const VARIANTS = 'rapida-outbound-variants';

/** What an administrator sets up for calls over an Asterisk: its account, and a deployment for each way to bring the audio. */
export class OutboundLine {
  readonly #server: ServerUnderTest;
  readonly #credentialId: string;
  readonly #deployments = new Map<string, string>();

  private constructor(server: ServerUnderTest, credentialId: string) {
    this.#server = server;
    this.#credentialId = credentialId;
  }

  /** Numbers are extensions of the dialplan's [callee]. @throws Error with the server's words. */
  static async open(server: ServerUnderTest, asterisk: Asterisk): Promise<OutboundLine> {
    const credential = await server.post('/v1/credentials', {
      provider: 'asterisk',
      name: 'lab',
      values: accountOf(asterisk),
    });
    const line = new OutboundLine(server, String(credential['id']));
    // Events of an account are listened to from its first deployment on, as in an installation that has been set up for long.
    for (const transport of ['audiosocket', 'websocket']) await line.#deploy({ transport });
    return line;
  }

  /** Places a call and returns its contextId. */
  async call(
    toNumber: string,
    { transport = 'audiosocket', variant, ringTimeoutSeconds = 30 }: LineWish = {},
  ): Promise<string> {
    const settings = variant === undefined ? { transport } : { context: VARIANTS, extension: variant };
    const deploymentId = this.#deployments.get(JSON.stringify(settings)) ?? (await this.#deploy(settings));
    const { data } = await this.#server.post('/v1/talk/create-phone-call', {
      assistant: { assistantId: this.#server.assistantId },
      toNumber,
      options: { deploymentId, ringTimeoutSeconds },
    });
    return (data as { contextId: string }).contextId;
  }

  async #deploy(settings: Readonly<Record<string, string>>): Promise<string> {
    const name = Object.values(settings).join(' ');
    const wish = { assistantId: this.#server.assistantId, channel: 'asterisk', name, credentialId: this.#credentialId };
    const deployment = await this.#server.post('/v1/deployments', { ...wish, settings });
    const id = String(deployment['id']);
    this.#deployments.set(JSON.stringify(settings), id);
    return id;
  }
}

/** The values of a credential for this Asterisk. */
export function accountOf(asterisk: Asterisk): Readonly<Record<string, string>> {
  return {
    ari_url: asterisk.ariUrl,
    ari_user: asterisk.ariLogin.user,
    ari_password: asterisk.ariLogin.password,
    endpoint_template: 'Local/{number}@callee',
  };
}
