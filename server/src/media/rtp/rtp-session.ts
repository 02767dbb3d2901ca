import { FRAME_MS } from '../../core/audio-frame.ts';
import { AppError } from '../../core/errors.ts';
import type { ContextId } from '../../core/ids.ts';
import type { EventLog } from '../../core/ports/event-log.ts';
import type { MediaCapabilities, MediaEnd, MediaFigures, MediaTransport } from '../../core/ports/media-transport.ts';
import type { AgreedMedia } from '../../protocols/sdp/agreed-media.ts';
import type { MediaDesk } from '../media-desk.ts';
import { MemoryPool } from '../memory-pool.ts';
import type { CallNumber, MediaNews } from '../messages.ts';
import type { PortRange } from './port-pairs.ts';
import type { OpeningNumber, RtpCommand } from './rtp-messages.ts';
import { NO_STATS, type RtpStats } from './rtp-stats.ts';
import { SILENCE_LIMITS, type SilenceLimits } from './silence-watch.ts';

/** What a call over RTP asks for. */
export type RtpOpening = {
  /** An address of this machine or its name, or 0.0.0.0 or ::. */
  readonly bindHost: string;
  readonly ports: PortRange;
  /** For the log. */
  readonly contextId?: ContextId;
  /** 30 s and 15 s unless told. */
  readonly silenceLimits?: SilenceLimits;
  /** The media is over, its listener has heard of it: once, whoever ended it, and only if it was started. Time to say BYE. */
  readonly onClosed?: (end: MediaEnd, stats: RtpStats) => void;
};

/** A call's pair of ports and, once something was agreed on, its media. Disposing hangs up, and resolves when the sockets are closed. */
export interface RtpSession extends AsyncDisposable {
  /** Even; RTCP has the next one. */
  readonly localPort: number;
  readonly localRtcpPort: number;
  /** The call's media; null before `start`. */
  readonly media: MediaTransport | null;
  /**
   * Media flows as agreed on, and goes to `media` from now on; its rate is the codec's and stays.
   * @throws AppError conflict when it was started before, over_capacity when the ports are closed: disposed of, or the worker died.
   */
  start(agreed: AgreedMedia): MediaTransport;
  /** Something else was agreed on: another address, codec, direction or key. */
  update(agreed: AgreedMedia): void;
  /** The peer hung up (BYE, CANCEL): the listener hears `peer_closed`, unless another end is told. */
  end(end?: MediaEnd): void;
  /** As of the last 5 s; final in `onClosed`. */
  stats(): RtpStats;
}

export type RtpLink = {
  readonly send: (command: RtpCommand) => void;
  /** Of the thread that runs now. */
  readonly desk: () => MediaDesk;
  readonly log: EventLog;
};

const CAPABILITIES: MediaCapabilities = {
  clock: 'local',
  maxLeadMs: FRAME_MS,
  hasDtmfIn: true,
  hasDtmfOut: true,
  hasHold: true,
};

type Pending = {
  readonly opening: RtpOpening;
  readonly resolve: (session: RtpSession) => void;
  readonly reject: (error: AppError) => void;
};

/** Main's side of all RTP calls of the worker. */
export class RtpSessions {
  readonly #link: RtpLink;
  readonly #memories = new MemoryPool();
  readonly #pending = new Map<OpeningNumber, Pending>();
  readonly #sessions = new Map<CallNumber, Session>();
  #nextOpening: OpeningNumber = 1;

  constructor(link: RtpLink) {
    this.#link = link;
  }

  open(opening: RtpOpening): Promise<RtpSession> {
    const number = this.#nextOpening++;
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { opening, resolve, reject });
      const { bindHost: host, ports, silenceLimits: limits = SILENCE_LIMITS } = opening;
      this.#link.send({ type: 'rtp_open', opening: number, host, ports, limits });
    });
  }

  /** What the worker tells; news of others is passed over. */
  hear(news: MediaNews): void {
    if (news.type === 'rtp_opened') this.#opened(news.opening, news.call, news.port);
    else if (news.type === 'rtp_refused') this.#refused(news.opening, news.code);
    else if (news.type === 'rtp_stats') this.#sessions.get(news.call)?.keepStats(news.stats);
    else if (news.type === 'rtp_released') {
      this.#sessions.get(news.call)?.released();
      this.#sessions.delete(news.call);
    }
  }

  /** The worker died. */
  failAll(detail: string): void {
    for (const { reject } of this.#pending.values()) reject(new AppError('over_capacity', { detail }));
    this.#pending.clear();
    for (const session of this.#sessions.values()) session.released();
    this.#sessions.clear();
  }

  #opened(opening: OpeningNumber, call: CallNumber, port: number): void {
    const pending = this.#pending.get(opening);
    this.#pending.delete(opening);
    if (pending === undefined) return;
    const session = new Session({ call, port, opening: pending.opening, link: this.#link, memories: this.#memories });
    this.#sessions.set(call, session);
    pending.resolve(session);
  }

  #refused(opening: OpeningNumber, code: string | null): void {
    const pending = this.#pending.get(opening);
    this.#pending.delete(opening);
    if (pending === undefined) return;
    const { bindHost, ports } = pending.opening;
    pending.reject(
      code === null
        ? new AppError('over_capacity', {
            detail: `all pairs of the RTP ports ${ports.start}-${ports.end} are in use: raise SIP__RTP_PORT_RANGE_END`,
          })
        : new AppError('not_configured', { detail: `RTP cannot use ${bindHost} (${code}): set SIP__SERVER` }),
    );
  }
}

type SessionStart = {
  readonly call: CallNumber;
  readonly port: number;
  readonly opening: RtpOpening;
  readonly link: RtpLink;
  readonly memories: MemoryPool;
};

class Session implements RtpSession {
  readonly localPort: number;
  readonly localRtcpPort: number;
  media: MediaTransport | null = null;
  readonly #start: SessionStart;
  #stats = NO_STATS;
  #isReleased = false;
  readonly #release = Promise.withResolvers<void>();

  constructor(start: SessionStart) {
    this.localPort = start.port;
    this.localRtcpPort = start.port + 1;
    this.#start = start;
  }

  start(agreed: AgreedMedia): MediaTransport {
    if (this.media !== null) throw new AppError('conflict', { detail: 'the media of this call was started before' });
    if (this.#isReleased) throw new AppError('over_capacity', { detail: 'the RTP ports of this call are closed' });
    const { call, opening, link, memories } = this.#start;
    const { sampleRate } = agreed.codec;
    const memory = memories.take(sampleRate);
    this.media = link.desk().open(call, {
      contextId: opening.contextId ?? null,
      memory,
      capabilities: CAPABILITIES,
      figures: () => figuresOf(this.#stats),
      onClosed: (end) => {
        memories.give(memory);
        this.#closed(end);
      },
    });
    link.send({ type: 'rtp_start', call, media: portable(agreed), memory: memory.buffer, sampleRate });
    return this.media;
  }

  update(agreed: AgreedMedia): void {
    if (!this.#isReleased) {
      this.#start.link.send({ type: 'rtp_update', call: this.#start.call, media: portable(agreed) });
    }
  }

  end(end: MediaEnd = { type: 'peer_closed' }): void {
    if (!this.#isReleased) this.#start.link.send({ type: 'rtp_end', call: this.#start.call, end });
  }

  stats(): RtpStats {
    return this.#stats;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end({ type: 'closed_by_us' });
    await this.#release.promise;
  }

  keepStats(stats: RtpStats): void {
    this.#stats = stats;
  }

  /** The sockets are closed. */
  released(): void {
    this.#isReleased = true;
    this.#release.resolve();
  }

  #closed(end: MediaEnd): void {
    const { opening, link } = this.#start;
    const contextId = opening.contextId ?? null;
    link.log.info('media.rtp_ended', { contextId, end: end.type, ...figuresOf(this.#stats) });
    try {
      opening.onClosed?.(end, this.#stats);
    } catch (error) {
      link.log.error('media.listener_failed', { contextId }, error);
    }
  }
}

/** For the record and the log: no address, which may be a person's, and no more digits than were measured. */
function figuresOf(stats: RtpStats): MediaFigures {
  const { remote: _remote, peerLossShare, ...others } = stats;
  return {
    ...others,
    jitterMs: tenth(stats.jitterMs),
    roundTripMs: tenth(stats.roundTripMs),
    peerJitterMs: tenth(stats.peerJitterMs),
    peerLossPercent: tenth(peerLossShare === null ? null : peerLossShare * 100),
  };
}

function tenth(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}

/** Keys may be a part of some larger buffer, which a message would carry whole. */
function portable(agreed: AgreedMedia): AgreedMedia {
  const { srtp } = agreed;
  if (srtp === undefined) return agreed;
  return {
    ...agreed,
    srtp: { ...srtp, localKey: new Uint8Array(srtp.localKey), remoteKey: new Uint8Array(srtp.remoteKey) },
  };
}
