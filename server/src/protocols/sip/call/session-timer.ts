import type { Clock, Timer } from '../environment.ts';
import type { Header, SipRequest, SipResponse } from '../message/message.ts';
import { hasOption, secondsOf, sessionExpiresOf } from '../message/typed-headers.ts';

/** RFC 4028, 4 and 5. */
export const MIN_SE_SECONDS = 90;
export const SESSION_SECONDS = 1800;

/** What a 2xx says about the session's life; `isOurs` when we send the refreshes. */
export type SessionInterval = { readonly seconds: number; readonly isOurs: boolean };

export type ServerNegotiation =
  | { readonly type: 'too small' }
  | { readonly type: 'none' }
  | { readonly type: 'on'; readonly interval: SessionInterval; readonly headers: readonly Header[] };

/**
 * The server's choice (RFC 4028, 9): at most what was asked, never under Min-SE, and where the client leaves it open we refresh,
 * as a phone that forgets would end the call. A client that does not know the extension is never made to refresh.
 */
export function negotiateInterval(request: SipRequest): ServerNegotiation {
  const asked = sessionExpiresOf(request);
  const knows = hasOption(request, 'timer');
  if (asked && asked.seconds < MIN_SE_SECONDS && knows) return { type: 'too small' };
  if (!asked && !knows) return { type: 'none' };
  const least = Math.max(MIN_SE_SECONDS, secondsOf(request, 'Min-SE') ?? 0);
  const seconds = Math.max(least, Math.min(asked?.seconds ?? SESSION_SECONDS, SESSION_SECONDS));
  const refresher = knows ? (asked?.refresher ?? 'uas') : 'uas';
  const headers = [{ name: 'Session-Expires', value: `${seconds};refresher=${refresher}` }];
  if (refresher === 'uac') headers.push({ name: 'Require', value: 'timer' });
  return { type: 'on', interval: { seconds, isOurs: refresher === 'uas' }, headers };
}

/** What the 2xx to a request of ours settled (RFC 4028, 7.2); undefined: no timer. */
export function agreedInterval(response: SipResponse): SessionInterval | undefined {
  const agreed = sessionExpiresOf(response);
  return agreed && { seconds: agreed.seconds, isOurs: agreed.refresher !== 'uas' };
}

/** The headers of a refresh of ours: it keeps its role (RFC 4028, 7.4). */
export function refreshHeaders(interval: SessionInterval | undefined): Header[] {
  if (!interval) return [];
  return [
    { name: 'Session-Expires', value: `${interval.seconds};refresher=${interval.isOurs ? 'uac' : 'uas'}` },
    { name: 'Min-SE', value: `${MIN_SE_SECONDS}` },
  ];
}

/** The headers of a first INVITE of ours. */
export function offerHeaders(seconds = SESSION_SECONDS, minSeconds = MIN_SE_SECONDS): Header[] {
  return [
    { name: 'Session-Expires', value: `${Math.max(seconds, minSeconds)}` },
    { name: 'Min-SE', value: `${minSeconds}` },
  ];
}

/**
 * Runs a session's interval: the refresher acts at half of it; the other ends the session shortly before it is over, at the
 * interval less min(32 s, a third) (RFC 4028, 10).
 */
export class SessionTimer {
  readonly #clock: Clock;
  readonly #handlers: { readonly refresh: () => void; readonly expire: () => void };
  #interval: SessionInterval | undefined;
  #timers: Timer[] = [];

  constructor(clock: Clock, handlers: { readonly refresh: () => void; readonly expire: () => void }) {
    this.#clock = clock;
    this.#handlers = handlers;
  }

  get interval(): SessionInterval | undefined {
    return this.#interval;
  }

  /** Starts anew after each refresh; undefined stops it. */
  restart(interval: SessionInterval | undefined): void {
    this.stop();
    this.#interval = interval;
    if (!interval) return;
    const ms = interval.seconds * 1000;
    const expireMs = ms - Math.min(32_000, ms / 3);
    this.#timers.push(this.#clock.after(expireMs, this.#handlers.expire));
    if (interval.isOurs) this.#timers.push(this.#clock.after(ms / 2, this.#handlers.refresh));
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) timer.cancel();
  }
}
