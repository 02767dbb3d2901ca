import { AppError } from '../../../core/errors.ts';

export type AriCredential = { readonly ari_url: string; readonly ari_user: string; readonly ari_password: string };

export type OriginateRequest = {
  /** Ours, so that asking again after a lost answer cannot place a second call. */
  readonly channelId: string;
  readonly endpoint: string;
  readonly context: string;
  readonly extension: string;
  readonly callerId: string | null;
  /** Seconds the callee may ring. */
  readonly ringSeconds: number;
  readonly variables: Readonly<Record<string, string>>;
};

export type HangupReason = 'normal' | 'busy' | 'congestion' | 'no_answer';

const ANSWER_TIMEOUT_MS = 10_000;

/** The part of Asterisk's REST interface that calls need. Basic auth in a header: a key in the URL would end in logs. */
export class AriClient {
  readonly #baseUrl: string;
  readonly #authorization: string;

  constructor(credential: AriCredential) {
    this.#baseUrl = `${credential.ari_url.replace(/\/+$/, '')}/ari`;
    const login = Buffer.from(`${credential.ari_user}:${credential.ari_password}`).toString('base64');
    this.#authorization = `Basic ${login}`;
  }

  /**
   * Places a call. `already_placed`: an earlier, unanswered try of the same channelId did it.
   * @throws AppError carrier_failed with Asterisk's words: retryable only when nothing was placed for sure.
   */
  async originate(request: OriginateRequest, signal: AbortSignal): Promise<'placed' | 'already_placed'> {
    const { channelId, ringSeconds, callerId, ...rest } = request;
    const body = { ...rest, priority: 1, timeout: ringSeconds, ...(callerId === null ? {} : { callerId }) };
    const answer = await this.#request('POST', `/channels/${encodeURIComponent(channelId)}`, { body, signal });
    if (answer.status === 409) return 'already_placed';
    if (answer.status !== 200) throw refused('placing the call', answer);
    return 'placed';
  }

  /** The channel of this id; null when Asterisk has none now. */
  async channel(channelId: string, signal: AbortSignal): Promise<AriChannel | null> {
    const answer = await this.#request('GET', `/channels/${encodeURIComponent(channelId)}`, { signal });
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw refused('looking for the call', answer);
    return { ...readChannel(parsed(answer.text)), id: channelId };
  }

  /** All channels that Asterisk has now. */
  async channels(signal: AbortSignal): Promise<readonly AriChannel[]> {
    const answer = await this.#request('GET', '/channels', { signal });
    const list = answer.status === 200 ? parsed(answer.text) : null;
    if (!Array.isArray(list)) throw refused('asking for the calls', answer);
    return list.map(readChannel);
  }

  /** Lets Asterisk send an application only events of these types (16.3 and newer). */
  async filterEvents(application: string, types: readonly string[], signal: AbortSignal): Promise<void> {
    const path = `/applications/${encodeURIComponent(application)}/eventFilter`;
    const answer = await this.#request('PUT', path, { body: { allowed: types.map((type) => ({ type })) }, signal });
    if (answer.status !== 200) throw refused('choosing events', answer);
  }

  /** Where the events of all channels come from, as a WebSocket's address and headers. */
  eventStream(application: string): { readonly url: string; readonly headers: Readonly<Record<string, string>> } {
    const query = new URLSearchParams({ app: application, subscribeAll: 'true' });
    const url = `${this.#baseUrl.replace(/^http/, 'ws')}/events?${query}`;
    return { url, headers: { authorization: this.#authorization } };
  }

  /** Ends a channel; one that is gone already is fine. */
  async hangUp(channelId: string, reason: HangupReason, signal: AbortSignal): Promise<void> {
    const answer = await this.#request('DELETE', `/channels/${encodeURIComponent(channelId)}?reason=${reason}`, {
      signal,
    });
    if (answer.status !== 204 && answer.status !== 404) throw refused('hanging up', answer);
  }

  /** Asks who Asterisk is: the check behind "verify". @throws AppError carrier_failed in words. */
  async version(signal: AbortSignal): Promise<string> {
    const answer = await this.#request('GET', '/asterisk/info?only=system', { signal });
    if (answer.status !== 200) throw refused('asking for the version', answer);
    return /"version"\s*:\s*"([^"]+)"/.exec(answer.text)?.[1] ?? 'unknown';
  }

  async #request(
    method: string,
    path: string,
    options: { readonly body?: object; readonly signal: AbortSignal },
  ): Promise<AriAnswer> {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    try {
      const response = await fetch(this.#baseUrl + path, {
        method,
        headers: {
          authorization: this.#authorization,
          ...(options.body ? { 'content-type': 'application/json' } : {}),
        },
        ...(options.body ? { body: JSON.stringify(options.body) } : {}),
        redirect: 'error',
        signal,
      });
      return { status: response.status, text: await response.text() };
    } catch (cause) {
      throw new AppError('carrier_failed', { detail: `Asterisk's ARI does not answer at ${this.#baseUrl}`, cause });
    }
  }
}

/** What we read of a channel. */
export type AriChannel = {
  readonly id: string;
  /** E.g. PJSIP/carrier-00000012: by it the dialplan's applications know a channel. */
  readonly name: string;
  /** Down, Ring, Ringing, Up … */
  readonly state: string;
  /** The dialplan application it is in. */
  readonly application: string;
};

function readChannel(json: unknown): AriChannel {
  const channel = fieldsOf(json);
  return {
    id: textOf(channel['id']),
    name: textOf(channel['name']),
    state: textOf(channel['state']),
    application: textOf(fieldsOf(channel['dialplan'])['app_name']),
  };
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

type AriAnswer = { readonly status: number; readonly text: string };

function refused(what: string, answer: AriAnswer): AppError {
  if (answer.status === 401) {
    return new AppError('carrier_failed', { detail: `${what}: Asterisk refused ari_user or ari_password (401)` });
  }
  const words = /"(?:message|error)"\s*:\s*"([^"]*)"/.exec(answer.text)?.[1] ?? answer.text.slice(0, 100);
  return new AppError('carrier_failed', { detail: `${what}: Asterisk answered ${answer.status} "${words}"` });
}
