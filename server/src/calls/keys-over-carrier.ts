import type { CallContext } from '../core/call/call-context.ts';
import type { CarrierKeys, KeyLine } from '../core/ports/carrier-keys.ts';
import type { Channel } from '../core/ports/channel.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { MediaListener, MediaTransport } from '../core/ports/media-transport.ts';
import { type ProjectLines, vouchersOf } from './project-lines.ts';

export type CarrierKeysParts = {
  readonly channels: readonly Channel[];
  readonly lines: Pick<ProjectLines, 'ofProject'>;
  readonly log: EventLog;
};

/** Lets a call send keys where its media cannot, but its carrier's own interface can; else the media as it came. */
export async function keysOverCarrier(
  parts: CarrierKeysParts,
  context: CallContext,
  media: MediaTransport,
): Promise<MediaTransport> {
  const keys = parts.channels.find(({ name }) => name === context.channel)?.keys;
  if (!keys || media.capabilities.hasDtmfOut) return media;
  const line = { context, credential: await credentialOf(parts, context) };
  return keys.objection(line) === null ? new MediaWithKeys(media, keys, line, parts.log) : media;
}

async function credentialOf({ lines, log }: CarrierKeysParts, context: CallContext): Promise<KeyLine['credential']> {
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

/** The same media, and keys that go another way: one batch after the other, in the background. */
class MediaWithKeys implements MediaTransport {
  readonly capabilities: MediaTransport['capabilities'];
  readonly sampleRate: number;
  readonly #media: MediaTransport;
  readonly #keys: CarrierKeys;
  readonly #line: KeyLine;
  readonly #log: EventLog;
  readonly #ended = new AbortController();
  #sending: Promise<void> = Promise.resolve();

  constructor(media: MediaTransport, keys: CarrierKeys, line: KeyLine, log: EventLog) {
    this.capabilities = { ...media.capabilities, hasDtmfOut: true };
    this.sampleRate = media.sampleRate;
    this.#media = media;
    this.#keys = keys;
    this.#line = line;
    this.#log = log;
  }

  sendDigits(digits: string): void {
    const { signal } = this.#ended;
    const { contextId, channel } = this.#line.context;
    this.#sending = this.#sending.then(async () => {
      if (signal.aborted) return;
      await this.#keys.send(this.#line, digits, signal).catch((error: unknown) => {
        if (!signal.aborted) this.#log.warn('call.keys_not_sent', { contextId, channel, reason: String(error) });
      });
    });
  }

  listen(listener: MediaListener): void {
    this.#media.listen({
      audio: (view, clockMs) => listener.audio(view, clockMs),
      digit: (digit) => listener.digit(digit),
      played: (mark) => listener.played(mark),
      cleared: (cleared) => listener.cleared(cleared),
      writable: () => listener.writable(),
      unheard: (fromSample, toSample) => listener.unheard?.(fromSample, toSample),
      held: (isHeld) => listener.held(isHeld),
      closed: (end, figures) => {
        this.#ended.abort();
        listener.closed(end, figures);
      },
    });
  }

  play(...[frame, replyId]: Parameters<MediaTransport['play']>): number {
    return this.#media.play(frame, replyId);
  }

  endReply(...[replyId]: Parameters<MediaTransport['endReply']>): void {
    this.#media.endReply(replyId);
  }

  pause(): void {
    this.#media.pause();
  }

  resume(rewindSamples?: number): void {
    this.#media.resume(rewindSamples);
  }

  clear(): ReturnType<MediaTransport['clear']> {
    return this.#media.clear();
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
}
