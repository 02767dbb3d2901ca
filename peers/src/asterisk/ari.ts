/** What ARI answered: the status and the parsed body. */
export type AriAnswer = { readonly status: number; readonly body: unknown };

export type Originate = {
  /** E.g. Local/1001@lines, PJSIP/phone, UnicastRTP/127.0.0.1:4000/c(ulaw) */
  readonly endpoint: string;
  readonly context: string;
  readonly extension: string;
  readonly callerId?: string;
  readonly variables?: Readonly<Record<string, string>>;
};

/** The few requests of Asterisk's REST interface that a test needs. */
export class Ari {
  readonly #base: string;
  readonly #authorization: string;

  constructor(base: string, user: string, password: string) {
    this.#base = base;
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  async request(method: string, path: string, body?: unknown): Promise<AriAnswer> {
    const response = await fetch(`${this.#base}/ari/${path}`, {
      method,
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }

  /** Makes a channel and sends it into the dialplan once it answers. Returns its id. @throws Error with ARI's words. */
  async originate({ endpoint, context, extension, callerId, variables }: Originate): Promise<string> {
    const { status, body } = await this.request('POST', 'channels', {
      endpoint,
      context,
      extension,
      priority: 1,
      timeout: 30,
      ...(callerId === undefined ? {} : { callerId }),
      variables: variables ?? {},
    });
    const id = (body as { id?: unknown } | null)?.id;
    if (status !== 200 || typeof id !== 'string') throw new Error(`ARI ${status}: ${JSON.stringify(body)}`);
    return id;
  }

  /** A channel's variable; null when the channel or the variable is not there. */
  async variable(channelId: string, name: string): Promise<string | null> {
    const { body } = await this.request('GET', `channels/${channelId}/variable?variable=${encodeURIComponent(name)}`);
    const value = (body as { value?: unknown } | null)?.value;
    return typeof value === 'string' ? value : null;
  }

  async hangUp(channelId: string): Promise<void> {
    await this.request('DELETE', `channels/${channelId}`);
  }

  /** Names of the channels that live just now. */
  async channels(): Promise<string[]> {
    const { body } = await this.request('GET', 'channels');
    return (body as { name: string }[]).map((channel) => channel.name);
  }
}
