import type { CallContext } from '../core/call/call-context.ts';
import type { CarrierHolds } from '../core/ports/carrier-holds.ts';
import type { CarrierKeys, KeyLine } from '../core/ports/carrier-keys.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { MediaListener, MediaTransport } from '../core/ports/media-transport.ts';
import { type ProjectLines, vouchersOf } from './project-lines.ts';

export type MediaOverCarrierParts = {
  readonly channels: readonly Channel[];
  readonly lines: Pick<ProjectLines, 'ofProject'>;
  readonly log: EventLog;
};

/**
 * Lets a call send keys, and hear that it is held, where its media cannot do that but its carrier's own interface can; else the
 * media as it came.
 */
export async function mediaOverCarrier(
  parts: MediaOverCarrierParts,
  context: CallContext,
  media: MediaTransport,
): Promise<MediaTransport> {
  const { hasDtmfOut, hasHold } = media.capabilities;
  const channel = parts.channels.find(({ name }) => name === context.channel);
  const keys = hasDtmfOut ? undefined : channel?.keys;
  const holds = hasHold ? undefined : channel?.holds;
  if (!keys && !holds) return media;
  const line = { context, credential: await credentialOf(parts, context) };
  const ways = {
    keys: keys?.objection(line) === null ? keys : null,
    holds: holds?.objection(line) === null ? holds : null,
  };
  return ways.keys || ways.holds ? new MediaOverCarrier(media, line, ways, parts.log) : media;
}

async function credentialOf(
  { lines, log }: MediaOverCarrierParts,
  context: CallContext,
): Promise<KeyLine['credential']> {
  try {
    const known = await lines.ofProject(context.projectId);
    const deployment = known.deployments.find(({ id }) => id === context.deploymentId) ?? null;
    const [first = null, ...others] = vouchersOf(known, deployment, context.channel);
    const named = known.credentials.find(({ id }) => id === context.credentialId);
    return named ?? (others.length === 0 ? first : null);
  } catch (error) {
    log.warn('call.credential_unread', { contextId: context.contextId, reason: String(error) });
    return null;
  }
}

type Ways = { readonly keys: CarrierKeys | null; readonly holds: CarrierHolds | null };

/**
 * The same media. Keys go over the carrier: one batch after the other, in the background. While the carrier says that the call is
 * held, nothing is played and what is heard is somebody's music: it is left out.
 */
class MediaOverCarrier implements MediaTransport {
  readonly capabilities: MediaTransport['capabilities'];
  readonly sampleRate: number;
  readonly #media: MediaTransport;
  readonly #line: KeyLine;
  readonly #ways: Ways;
  readonly #log: EventLog;
  readonly #ended = new AbortController();
  #sending: Promise<void> = Promise.resolve();
  #following: Disposable | null = null;
  #isHeld = false;
  /** As the call wishes it; a hold pauses beside it. */
  #isPaused = false;
  #rewindSamples: number | undefined;

  constructor(media: MediaTransport, line: KeyLine, ways: Ways, log: EventLog) {
    const { hasDtmfOut, hasHold } = media.capabilities;
    this.capabilities = {
      ...media.capabilities,
      hasDtmfOut: hasDtmfOut || ways.keys !== null,
      hasHold: hasHold || ways.holds !== null,
    };
    this.sampleRate = media.sampleRate;
    this.#media = media;
    this.#line = line;
    this.#ways = ways;
    this.#log = log;
  }

  sendDigits(digits: string): void {
    const { keys } = this.#ways;
    if (keys === null) {
      this.#media.sendDigits(digits);
      return;
    }
    const { signal } = this.#ended;
    const { contextId, channel } = this.#line.context;
    this.#sending = this.#sending.then(async () => {
      if (signal.aborted) return;
      await keys.send(this.#line, digits, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#log.warn('call.keys_not_sent', { contextId, channel, reason: String(error) });
      });
    });
  }

  listen(listener: MediaListener): void {
    this.#media.listen({
      audio: (view, clockMs) => {
        if (!this.#isHeld) listener.audio(view, clockMs);
      },
      digit: (digit) => listener.digit(digit),
      played: (mark) => listener.played(mark),
      cleared: (cleared) => listener.cleared(cleared),
      writable: () => listener.writable(),
      unheard: (fromSample, toSample) => listener.unheard?.(fromSample, toSample),
      held: (isHeld) => listener.held(isHeld),
      closed: (end, figures) => {
        this.#ended.abort();
        this.#following?.[Symbol.dispose]();
        listener.closed(end, figures);
      },
    });
    if (this.#ended.signal.aborted) return;
    this.#following = this.#ways.holds?.follow(this.#line, (isHeld) => this.#hold(listener, isHeld)) ?? null;
  }

  play(...[frame, replyId]: Parameters<MediaTransport['play']>): number {
    return this.#media.play(frame, replyId);
  }

  endReply(...[replyId]: Parameters<MediaTransport['endReply']>): void {
    this.#media.endReply(replyId);
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isHeld) this.#media.pause();
  }

  resume(rewindSamples?: number): void {
    this.#isPaused = false;
    if (this.#isHeld) this.#rewindSamples = rewindSamples;
    else this.#media.resume(rewindSamples);
  }

  clear(): ReturnType<MediaTransport['clear']> {
    const cleared = this.#media.clear();
    this.#isPaused = false;
    this.#rewindSamples = undefined;
    if (this.#isHeld) this.#media.pause();
    return cleared;
  }

  mark(id: string): void {
    this.#media.mark(id);
  }

  position(): ReturnType<MediaTransport['position']> {
    return this.#media.position();
  }

  close(): void {
    this.#media.close();
  }

  #hold(listener: MediaListener, isHeld: boolean): void {
    if (this.#isHeld === isHeld || this.#ended.signal.aborted) return;
    this.#isHeld = isHeld;
    if (!this.#isPaused) {
      if (isHeld) this.#media.pause();
      else this.#media.resume(this.#rewindSamples);
    }
    this.#rewindSamples = undefined;
    listener.held(isHeld);
  }
}
