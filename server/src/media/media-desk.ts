import type { ContextId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { MediaCapabilities, MediaEnd, MediaFigures, MediaTransport } from '../core/ports/media-transport.ts';
import { type CallMemory, openCallMemory } from './call-memory.ts';
import { type DoorbellMemory, DoorbellReader } from './doorbell.ts';
import type { CallNumber, ListenerNumber, MediaNews, MediaTick } from './messages.ts';
import { PLAIN_CAPABILITIES, SharedTransport, type TransportLink } from './shared-transport.ts';

/** A peer has named its call. Close the media to refuse it. */
export type MediaArrival = {
  readonly contextId: ContextId;
  readonly remoteAddress: string;
  readonly media: MediaTransport;
};

/** A call that main began itself, in memory of its own. */
export type OwnCall = {
  /** Null where it is not known yet: for the log only. */
  readonly contextId: ContextId | null;
  readonly memory: CallMemory;
  readonly capabilities: MediaCapabilities;
  /** What the wire was like, asked for at its end. */
  readonly figures?: () => MediaFigures;
  /** The listener has heard of the end; the memory is free again. */
  readonly onClosed: (end: MediaEnd) => void;
};

export type DeskCommand =
  | { readonly type: 'close' | 'release'; readonly call: CallNumber }
  | { readonly type: 'rtp_digits'; readonly call: CallNumber; readonly digits: string };

type DeskEntry = {
  readonly transport: SharedTransport;
  readonly contextId: ContextId | null;
  readonly figures: (() => MediaFigures) | undefined;
  readonly onClosed: (end: MediaEnd) => void;
};

type DeskOptions = {
  readonly doorbell: DoorbellMemory;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Asks the worker for something about a call: to hang up, to take its memory back, to send keys. */
  readonly send: (command: DeskCommand) => void;
  /** A verb came after `closed`. */
  readonly countLateVerb: () => void;
  readonly onArrival: (listener: ListenerNumber, arrival: MediaArrival) => void;
};

/** Main's counterpart of one worker's plane: keeps the transports and tells them what the worker says. */
export class MediaDesk {
  readonly #options: DeskOptions;
  readonly #doorbell: DoorbellReader;
  readonly #calls = new Map<CallNumber, DeskEntry>();
  /** Clock.nowMs minus the worker's clock, as the quickest message has shown it. */
  #offsetMs = Number.POSITIVE_INFINITY;
  #workerMs = 0;
  #droppedIn = 0;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#doorbell = new DoorbellReader(options.doorbell);
  }

  get samplesDroppedIn(): number {
    let dropped = this.#droppedIn;
    for (const { transport } of this.#calls.values()) dropped += transport.samplesDroppedIn;
    return dropped;
  }

  /** What the worker tells at the end of a tick. A listener that throws is logged and harms no other call. */
  receive(tick: MediaTick): void {
    this.#workerMs = tick.workerMs;
    this.#offsetMs = Math.min(this.#offsetMs, this.#options.clock.nowMs() - tick.workerMs);
    for (const news of tick.news) if (news.type === 'arrived') this.#arrived(news);
    this.#doorbell.answer((call) => this.#attend(call));
    for (const news of tick.news) this.#tell(news);
  }

  /** A transport for a call of main's own. */
  open(call: CallNumber, own: OwnCall): MediaTransport {
    return this.#keep(call, own);
  }

  /** The worker died: every call of it ends. */
  failAll(detail: string): void {
    for (const call of [...this.#calls.keys()]) this.#tell({ type: 'closed', call, end: { type: 'failed', detail } });
  }

  #tell(news: MediaNews): void {
    if (!isOfTransport(news)) return;
    const entry = this.#calls.get(news.call);
    if (entry === undefined) return;
    const { transport, contextId } = entry;
    this.#guard(contextId, () => {
      if (news.type === 'digit') transport.digit(news.digit);
      else if (news.type === 'unheard') this.#unheard(news.call, news);
      else if (news.type === 'held') transport.held(news.isHeld);
      else this.#closed(news.call, news.end);
    });
  }

  #unheard(call: CallNumber, range: { from: number; to: number }): void {
    const entry = this.#calls.get(call);
    if (entry === undefined) return;
    const { contextId, transport } = entry;
    const unheardMs = (((range.to - range.from) | 0) * 1000) / transport.sampleRate;
    this.#options.log.warn('media.peer_stalled', { contextId, unheardMs });
    transport.unheard(range.from, range.to);
  }

  #closed(call: CallNumber, end: MediaEnd): void {
    const entry = this.#calls.get(call);
    if (entry === undefined) return;
    this.#calls.delete(call);
    try {
      entry.transport.finish(end, entry.figures?.());
    } finally {
      this.#droppedIn += entry.transport.samplesDroppedIn;
      entry.onClosed(end);
    }
  }

  #arrived(news: Extract<MediaNews, { type: 'arrived' }>): void {
    const { call, contextId, remoteAddress } = news;
    const media = this.#keep(call, {
      contextId,
      memory: openCallMemory(news.memory, news.sampleRate),
      capabilities: PLAIN_CAPABILITIES,
      onClosed: () => this.#options.send({ type: 'release', call }),
    });
    this.#guard(contextId, () => this.#options.onArrival(news.listener, { contextId, remoteAddress, media }));
  }

  #keep(call: CallNumber, { contextId, memory, capabilities, figures, onClosed }: OwnCall): SharedTransport {
    const { send, countLateVerb } = this.#options;
    const link: TransportLink = {
      close: () => send({ type: 'close', call }),
      sendDigits: (digits) => send({ type: 'rtp_digits', call, digits }),
      wake: () => queueMicrotask(() => this.#guard(contextId, () => transport.attend())),
      countLateVerb,
      clockMs: (workerUs) => this.#clockMs(workerUs),
    };
    const transport = new SharedTransport(memory, link, capabilities);
    this.#calls.set(call, { transport, contextId, figures, onClosed });
    return transport;
  }

  #attend(call: CallNumber): void {
    if (call < 0) {
      for (const [each] of this.#calls) this.#attend(each);
      return;
    }
    const entry = this.#calls.get(call);
    if (entry !== undefined) this.#guard(entry.contextId, () => entry.transport.attend());
  }

  #clockMs(workerUs: number): number {
    const ageMs = ((Math.round(this.#workerMs * 1000) - workerUs) | 0) / 1000;
    return this.#workerMs - ageMs + this.#offsetMs;
  }

  #guard(contextId: ContextId | null, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.log.error('media.listener_failed', { contextId }, error);
    }
  }
}

type TransportNews = Extract<MediaNews, { type: 'digit' | 'unheard' | 'held' | 'closed' }>;

function isOfTransport(news: MediaNews): news is TransportNews {
  return news.type === 'digit' || news.type === 'unheard' || news.type === 'held' || news.type === 'closed';
}
