import type { ChannelName } from '../../core/call/call.ts';
import { toAppError } from '../../core/errors.ts';
import type { ContextId } from '../../core/ids.ts';
import type { CallControl } from '../../core/ports/channel.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { MediaSocket, SocketArrival, UnnamedArrival } from '../../core/ports/media-socket.ts';
import type { RemoteTransport } from './remote-transport.ts';

/** A carrier that has opened its socket must begin its stream within this time … */
export const START_WITHIN_MS = 5_000;
/** … and may not be silent longer than this once it has. */
export const QUIET_AT_MOST_MS = 30_000;

/** Close codes of ours and of RFC 6455, 7.4. */
export const CLOSE = { normal: 1000, unsupported: 1003, policy: 1008, tryLater: 1013, claimed: 4409 } as const;

/** A carrier told goodbye in its own words closes the socket by itself; we do when it has not by then. */
const GOODBYE_MS = 1_000;

export type SocketSessionParts = {
  readonly arrival: SocketArrival | UnnamedArrival;
  readonly channel: ChannelName;
  readonly control: CallControl;
  readonly clock: Clock;
  readonly log: EventLog;
};

/**
 * One carrier socket from its upgrade to its end: the time limits, the claim at the stream's first real event, and the one end.
 * The channel's folder translates messages and calls `begin` when the stream has begun.
 */
export class SocketSession {
  readonly #parts: SocketSessionParts;
  readonly #socket: MediaSocket;
  #timer: Timer;
  #heardMs = 0;
  #transport: RemoteTransport | null = null;
  #isClosedByUs = false;

  constructor(parts: SocketSessionParts) {
    this.#parts = parts;
    this.#socket = parts.arrival.socket;
    this.#timer = parts.clock.after(START_WITHIN_MS, () => this.refuse(CLOSE.policy, 'the stream did not start'));
  }

  get transport(): RemoteTransport | null {
    return this.#transport;
  }

  /**
   * The stream began: claims the call for this transport, the one its address named, else the one the stream named. Later calls
   * are ignored.
   */
  begin(transport: RemoteTransport, namedInStream: ContextId | null = null): void {
    if (this.#transport) return;
    const { arrival } = this.#parts;
    const contextId = 'contextId' in arrival ? arrival.contextId : namedInStream;
    if (contextId === null) {
      this.refuse(CLOSE.policy, 'the stream names no call');
      return;
    }
    this.#transport = transport;
    this.#timer.cancel();
    this.alive();
    this.#watch();
    const { channel, control, log } = this.#parts;
    control.attachMedia({ contextId, channel, media: transport }).catch((error: unknown) => {
      const { code } = toAppError(error);
      log.warn('socket.refused', { contextId, channel, code });
      const isClaimed = code === 'context_claimed' || code === 'context_not_found' || code === 'context_expired';
      this.refuse(isClaimed ? CLOSE.claimed : CLOSE.tryLater, code);
    });
  }

  /** The carrier said something: the quiet time starts anew. */
  alive(): void {
    this.#heardMs = this.#parts.clock.nowMs();
  }

  /** Ends the socket for a reason the carrier should see. */
  refuse(code: number, reason: string): void {
    this.#isClosedByUs = true;
    this.#timer.cancel();
    this.#socket.close(code, reason);
  }

  /** Hangs up as asked by the call. */
  hangUp(): void {
    this.refuse(CLOSE.normal, '');
  }

  /** Hangs up in the carrier's own words. */
  leave(sayGoodbye: () => void): void {
    if (this.#isClosedByUs) return;
    this.#isClosedByUs = true;
    this.#timer.cancel();
    sayGoodbye();
    this.#timer = this.#parts.clock.after(GOODBYE_MS, () => this.#socket.close(CLOSE.normal, ''));
  }

  /** The socket is closed: tells the call why. `isOrderly`: the carrier said that the stream stops. */
  closed(code: number, isOrderly: boolean): void {
    this.#timer.cancel();
    if (this.#isClosedByUs) this.#transport?.finish({ type: 'closed_by_us' });
    else if (isOrderly || code === CLOSE.normal) this.#transport?.finish({ type: 'peer_closed' });
    else this.#transport?.finish({ type: 'lost', detail: `the socket closed with ${code}` });
  }

  #watch(): void {
    const quietMs = this.#parts.clock.nowMs() - this.#heardMs;
    if (quietMs >= QUIET_AT_MOST_MS) {
      this.#transport?.finish({ type: 'lost', detail: `nothing came for ${QUIET_AT_MOST_MS / 1000} s` });
      this.refuse(CLOSE.policy, 'nothing came for too long');
      return;
    }
    this.#timer = this.#parts.clock.after(QUIET_AT_MOST_MS - quietMs, () => this.#watch());
  }
}
