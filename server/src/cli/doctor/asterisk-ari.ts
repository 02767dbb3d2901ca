import { once } from 'node:events';
import { WebSocket } from 'ws';

export type AriLogin = { readonly url: string; readonly user: string; readonly password: string };
export type AriAnswer = { readonly status: number; readonly body: unknown };

const ANSWER_LIMIT_MS = 8_000;
/** CURL()'s own limits are 180 s; one that does not answer in this time helps no caller. */
const CURL_LIMIT_S = 4;

/** Asterisk's REST interface as the doctor asks it; the password goes in a header, never in an address. */
export class AriProbe implements AsyncDisposable {
  readonly #base: string;
  readonly #authorization: string;
  /** A Stasis application and a channel of it that rings nobody: dialplan functions are read on it. */
  readonly #name = `doctor-${crypto.randomUUID()}`;
  #events: WebSocket | null = null;
  #channel: Promise<void> | null = null;

  constructor({ url, user, password }: AriLogin) {
    this.#base = `${url.replace(/\/+$/, '')}/ari`;
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  /** @throws the system's error, as `cause`, when nobody answers. */
  async ask(method: 'GET' | 'POST' | 'DELETE', path: string, signal: AbortSignal): Promise<AriAnswer> {
    const response = await fetch(this.#base + path, {
      method,
      headers: { authorization: this.#authorization },
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
    });
    const text = await response.text();
    return { status: response.status, body: parsed(text) };
  }

  /** A variable of [globals]; null when it is not set. */
  async global(name: string, signal: AbortSignal): Promise<string | null> {
    return readValue(await this.ask('GET', `/asterisk/variable?variable=${encodeURIComponent(name)}`, signal));
  }

  /** What CURL() of this Asterisk gets from an address: the body, whatever the status; empty when nobody answers. @throws Error. */
  async curl(url: string, signal: AbortSignal): Promise<string> {
    await this.#openChannel(signal);
    return readValue(await this.ask('GET', this.#variable(`CURL(${url})`), signal)) ?? '';
  }

  /** Makes Asterisk open an AudioSocket connection; false when it could not. The call it names is nobody's. @throws Error. */
  async connectsAudioSocket(address: string, signal: AbortSignal): Promise<boolean> {
    await this.#openEvents(signal);
    const endpoint = `AudioSocket/${address}/${crypto.randomUUID()}/c(slin)`;
    const query = new URLSearchParams({ endpoint, app: this.#name, channelId: `${this.#name}-audio` });
    const { status } = await this.ask('POST', `/channels?${query}`, signal);
    await this.ask('DELETE', `/channels/${this.#name}-audio`, signal);
    return status === 200;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel?.then(
      () => this.ask('DELETE', `/channels/${this.#name}`, AbortSignal.timeout(ANSWER_LIMIT_MS)),
      () => undefined,
    );
    this.#events?.terminate();
  }

  #openChannel(signal: AbortSignal): Promise<void> {
    this.#channel ??= (async () => {
      await this.#openEvents(signal);
      const query = new URLSearchParams({ endpoint: 'Local/doctor@doctor', app: this.#name, channelId: this.#name });
      const made = await this.ask('POST', `/channels/create?${query}`, signal);
      if (made.status !== 200) throw new Error(`Asterisk makes no channel for it: ${made.status} ${wordsOfAri(made)}`);
      for (const option of ['conntimeout', 'httptimeout']) {
        await this.ask('POST', `${this.#variable(`CURLOPT(${option})`)}&value=${CURL_LIMIT_S}`, signal);
      }
    })();
    return this.#channel;
  }

  /** The application lives as long as somebody listens to its events. */
  async #openEvents(signal: AbortSignal): Promise<void> {
    if (this.#events) return;
    const events = new WebSocket(`${this.#base.replace(/^http/, 'ws')}/events?app=${this.#name}`, {
      headers: { authorization: this.#authorization },
      handshakeTimeout: ANSWER_LIMIT_MS,
    });
    await once(events, 'open', { signal });
    events.on('error', () => undefined);
    this.#events = events;
  }

  #variable(name: string): string {
    return `/channels/${this.#name}/variable?variable=${encodeURIComponent(name)}`;
  }
}

/** Asterisk's own words in an answer that refuses. */
export function wordsOfAri({ body }: AriAnswer): string {
  if (typeof body !== 'object' || body === null) return '';
  const words = 'message' in body ? body.message : 'error' in body ? body.error : '';
  return typeof words === 'string' ? words : '';
}

function readValue({ status, body }: AriAnswer): string | null {
  const value = status === 200 && typeof body === 'object' && body !== null && 'value' in body ? body.value : null;
  return typeof value === 'string' ? value : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
